"""When words are read and written: the engine's ports and the scratchpad's banks, by cycle."""

from hw.config import WORD_BYTES, ClusterConfig
from sw_model.engine.timing_latency import READ
from sw_model.tcdm import HASH_LANES, locate

CYCLES = 4096
"""Cycles that there is room for at first."""


class Memory:
    """Ports and banks: who is busy in which cycle.

    A port makes one request a cycle, in the order in which they were asked for, writes first; a
    bank serves one. Requests may be placed in any order; what an earlier one pushes back keeps
    the answer that it was told.

    Parameters
    ----------
    config : ClusterConfig
    """

    def __init__(self, config: ClusterConfig):
        # Ports, and banks, that are busy: a bit each, by cycle.
        self._reading = [0] * CYCLES
        self._writing = [0] * CYCLES
        self._serving = [0] * CYCLES
        # For each port: when what it reads was asked for, by cycle.
        self._asked = [[0] * CYCLES for _ in range(config.engine.ports)]
        self._tcdm = config.tcdm
        self._ports = config.engine.ports
        self._turn = 0
        # Words of a beat have banks side by side; the first one's is kept.
        self._lanes = min(HASH_LANES, config.tcdm.banks)
        self._beats: dict[int, int] = {}

    def _reach(self, cycle: int) -> None:
        """Make room for a cycle and many after it."""
        if cycle + CYCLES // 2 > len(self._reading):
            for busy in (self._reading, self._writing, self._serving, *self._asked):
                busy += [0] * len(busy)

    def _banks(self, word: int, count: int) -> list[int]:
        """Return the bank of each of some neighbouring words, as a bit."""
        banks = []
        lanes = self._lanes
        for number in range(word, word + count):
            beat, lane = divmod(number, lanes)
            if not banks or not lane:
                first = self._beats.get(beat)
                if first is None:
                    offset = beat * lanes * WORD_BYTES % self._tcdm.bytes
                    first = self._beats[beat] = 1 << locate(self._tcdm, offset)[0]
            banks.append(first << lane)
        return banks

    def read(self, cycle: int, word: int, ports: tuple[int, ...]) -> int:
        """Read neighbouring words, one through each port, asked for in `cycle`.

        Returns the cycle in which the last one is served.
        """
        self._reach(cycle)
        last = cycle
        for port, bank in zip(ports, self._banks(word, len(ports)), strict=True):
            served = self._read_word(cycle, port, bank)
            if served > last:
                last = served
        return last

    def _read_word(self, cycle: int, port: int, bank: int) -> int:
        reading, writing, serving = self._reading, self._writing, self._serving
        asked, times = cycle, self._asked[port]
        bit = 1 << port
        while True:
            if not writing[cycle] & bit:
                later = times[cycle] if reading[cycle] & bit else 0
                if not later or later > asked:
                    reading[cycle] |= bit
                    times[cycle] = asked
                    if later:
                        self._push(cycle + 1, port, later)
                    if not serving[cycle] & bank:
                        serving[cycle] |= bank
                        return cycle
            cycle += 1

    def _push(self, cycle: int, port: int, asked: int) -> None:
        """Place a read again that somebody else's request pushed back."""
        times = self._asked[port]
        bit = 1 << port
        while True:
            self._reach(cycle)
            if not self._writing[cycle] & bit:
                if not self._reading[cycle] & bit:
                    self._reading[cycle] |= bit
                    times[cycle] = asked
                    return
                if times[cycle] > asked:
                    asked, times[cycle] = times[cycle], asked
            cycle += 1

    def write(self, cycle: int, word: int, count: int) -> int:
        """Write neighbouring words from `cycle` on; return the cycle of the last one.

        They go to ports that had nothing to do in the cycle before, else to those that read, and
        in turn.
        """
        self._reach(cycle)
        reading, writing = self._reading[cycle - 1], self._writing[cycle - 1]
        turn = self._turn
        self._turn = (turn + count) % self._ports
        choices = [(1 << self._ports) - 1 & ~(reading | writing), reading & ~writing, writing]
        last = cycle
        for bank in self._banks(word, count):
            while not choices[0]:
                del choices[0]
            ports = choices[0] >> turn << turn or choices[0]
            bit = ports & -ports
            choices[0] &= ~bit
            last = max(last, self._write_word(cycle, bit, bank))
        return last

    def _write_word(self, cycle: int, bit: int, bank: int) -> int:
        port = bit.bit_length() - 1
        while True:
            if not self._writing[cycle] & bit:
                self._writing[cycle] |= bit
                if self._reading[cycle] & bit:
                    self._reading[cycle] &= ~bit
                    self._push(cycle + 1, port, self._asked[port][cycle])
                if not self._serving[cycle] & bank:
                    self._serving[cycle] |= bank
                    return cycle
            cycle += 1
            self._reach(cycle)


class Reader:
    """A reader of rows: one command a cycle, a word a port, ports in turn.

    Parameters
    ----------
    memory : Memory
    first_port, ports : int
        Those that it has.
    """

    def __init__(self, memory: Memory, first_port: int, ports: int):
        self._memory = memory
        self._ports = tuple(range(first_port, first_port + ports)) * 2
        self._turn = 0
        self._asked = bytearray(CYCLES)

    def read(self, cycle: int, word: int, count: int) -> tuple[int, int]:
        """Ask for neighbouring words from `cycle` on.

        Returns
        -------
        asked, answered : int
            Cycles of the command and of its answer.
        """
        while cycle + CYCLES // 2 > len(self._asked):
            self._asked += bytes(len(self._asked))
        asked = self._asked.find(0, cycle)
        self._asked[asked] = 1
        ports = self._ports[self._turn : self._turn + count]
        self._turn = (self._turn + count) % (len(self._ports) // 2)
        return asked, self._memory.read(asked, word, ports) + READ
