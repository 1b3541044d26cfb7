"""When words are read and written: the engine's ports and the scratchpad's banks, by cycle."""

from collections.abc import Iterator

from hw.config import WORD_BYTES, ClusterConfig
from sw_model.engine.timing_latency import READ
from sw_model.tcdm import HASH_LANES, locate

CYCLES = 4096
"""Cycles that there is room for at first."""


class Memory:
    """Ports and banks: who is busy in which cycle.

    A port makes one request a cycle, a bank serves one. Requests are placed in the order in which
    they are told, whatever cycles they are for: those that come later take what is left.

    Parameters
    ----------
    config : ClusterConfig

    Attributes
    ----------
    reading, writing : list of int
        Ports that ask for a word, or write one, a bit each, by cycle.
    serving : list of int
        Banks that serve, a bit each, by cycle.
    """

    def __init__(self, config: ClusterConfig):
        self.reading = [0] * CYCLES
        self.writing = [0] * CYCLES
        self.serving = [0] * CYCLES
        self._tcdm = config.tcdm
        self._ports = config.engine.ports
        self._turn = 0
        # Words of a beat have banks side by side; the first one's is kept.
        self._lanes = min(HASH_LANES, config.tcdm.banks)
        self._beats: dict[int, int] = {}

    def reach(self, cycle: int) -> None:
        """Make room for a cycle and many after it."""
        if cycle + CYCLES // 2 > len(self.reading):
            for busy in (self.reading, self.writing, self.serving):
                busy += [0] * len(busy)

    def runs(self, word: int, count: int) -> Iterator[tuple[int, int]]:
        """Cut neighbouring words into runs in neighbouring banks: the first bank, how many."""
        while count > 0:
            beat, lane = divmod(word, self._lanes)
            bank = self._beats.get(beat)
            if bank is None:
                offset = beat * self._lanes * WORD_BYTES % self._tcdm.bytes
                bank = self._beats[beat] = locate(self._tcdm, offset)[0]
            size = min(count, self._lanes - lane)
            yield bank + lane, size
            word += size
            count -= size

    def banks(self, word: int, count: int) -> list[int]:
        """Return the bank of each of some neighbouring words, as a bit."""
        return [1 << first + n for first, size in self.runs(word, count) for n in range(size)]

    def write(self, cycle: int, word: int, count: int) -> int:
        """Write neighbouring words from `cycle` on; return the cycle of the last one.

        They go to ports that had nothing to do in the cycle before, else to those that read, and
        in turn.
        """
        self.reach(cycle)
        reading, writing = self.reading[cycle - 1], self.writing[cycle - 1]
        turn = self._turn
        self._turn = (turn + count) % self._ports
        choices = [(1 << self._ports) - 1 & ~(reading | writing), reading & ~writing, writing]
        last = cycle
        for bank in self.banks(word, count):
            while not choices[0]:
                del choices[0]
            ports = choices[0] >> turn << turn or choices[0]
            port = ports & -ports
            choices[0] &= ~port
            last = max(last, self._store(cycle, port, bank))
        return last

    def _store(self, cycle: int, port: int, bank: int) -> int:
        """Write one word; a read that had the port in that cycle has a later one."""
        reading, writing, serving = self.reading, self.writing, self.serving
        pushed = reading[cycle] & port
        while serving[cycle] & bank or writing[cycle] & port:
            writing[cycle] |= port
            cycle += 1
            pushed |= reading[cycle] & port
        writing[cycle] |= port
        serving[cycle] |= bank
        if pushed:
            later = cycle + 1
            while (reading[later] | writing[later]) & port:
                later += 1
                self.reach(later)
            reading[later] |= port
        return cycle


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
        self._first_port = first_port
        self._ports = ports
        self._turn = 0
        self._asked = bytearray(CYCLES)

    def read(self, cycle: int, word: int, count: int) -> tuple[int, int]:
        """Ask for neighbouring words from `cycle` on.

        Returns
        -------
        asked, answered : int
            Cycles of the command and of its answer.
        """
        memory = self._memory
        memory.reach(cycle)
        if len(self._asked) < len(memory.reading):
            self._asked += bytes(len(memory.reading) - len(self._asked))
        asked = self._asked.find(0, cycle)
        self._asked[asked] = 1
        numbers = [(self._turn + n) % self._ports for n in range(count)]
        self._turn = (self._turn + count) % self._ports
        ports = [1 << self._first_port + number for number in numbers]
        return asked, self._serve(asked, ports, memory.banks(word, count)) + READ

    def _serve(self, cycle: int, ports: list[int], banks: list[int]) -> int:
        """Place a request at each port; return the cycle of the last one."""
        reading, writing = self._memory.reading, self._memory.writing
        serving = self._memory.serving
        left = list(zip(ports, banks, strict=True))
        while True:
            refused = []
            for port, bank in left:
                if (reading[cycle] | writing[cycle]) & port:
                    refused.append((port, bank))
                    continue
                reading[cycle] |= port
                if serving[cycle] & bank:
                    refused.append((port, bank))
                else:
                    serving[cycle] |= bank
            if not refused:
                return cycle
            left = refused
            cycle += 1
            self._memory.reach(cycle)
