"""When words are read and written: the engine's ports and the scratchpad's banks, by cycle."""

from collections import deque
from dataclasses import dataclass

from hw.config import WORD_BYTES, ClusterConfig
from sw_model.engine.timing_latency import LONG_AGO, PERFORMED, READ
from sw_model.tcdm import HASH_LANES, locate

CYCLES = 4096
"""Cycles that there is room for at first."""

DESCRIPTORS, RESIDUALS, DIRECT, TILES, LAST = 5, 4, 3, 2, 1
"""Ranks of a reader's clients; LAST are parameters, and rows for statistics."""


@dataclass(slots=True)
class Row:
    """A row of words that is read: when it is asked for, and when its last word is answered.

    Others that are placed later may still push it back.
    """

    asked: int
    answered: int = 0
    word: int = 0
    ports: tuple[int, ...] = ()

    def serve(self, cycle: int) -> None:
        """Note that one of its words is served in a cycle."""
        self.answered = max(self.answered, cycle + READ)


class Memory:
    """Ports and banks: who is busy in which cycle.

    A port makes one request a cycle, in the order in which they were asked for, writes first; a
    bank serves one. Requests may be placed in any order.

    Parameters
    ----------
    config : ClusterConfig

    Attributes
    ----------
    words : int
        Read and written so far.
    """

    def __init__(self, config: ClusterConfig):
        # Ports, and banks, that are busy: a bit each, by cycle.
        self._reading = [0] * CYCLES
        self._writing = [0] * CYCLES
        self._serving = [0] * CYCLES
        # For each port: what it reads, by cycle.
        nothing = Row(0)
        self._rows = [[nothing] * CYCLES for _ in range(config.engine.ports)]
        self.words = 0
        self._tcdm = config.tcdm
        self._ports = config.engine.ports
        self._turn = 0
        # Words of a beat have banks side by side; the first one's is kept.
        self._lanes = min(HASH_LANES, config.tcdm.banks)
        self._beats: dict[int, int] = {}

    def _reach(self, cycle: int) -> None:
        """Make room for a cycle and many after it."""
        if cycle + CYCLES // 2 > len(self._reading):
            for busy in (self._reading, self._writing, self._serving):
                busy += [0] * len(busy)
            for rows in self._rows:
                rows += rows

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

    def read(self, cycle: int, word: int, ports: tuple[int, ...]) -> Row:
        """Read neighbouring words, one through each port, asked for in `cycle`."""
        self._reach(cycle)
        self.words += len(ports)
        row = Row(cycle, word=word, ports=ports)
        for port, bank in zip(ports, self._banks(word, len(ports)), strict=True):
            self._read_word(row, port, bank)
        return row

    def _read_word(self, row: Row, port: int, bank: int) -> None:
        reading, writing, serving = self._reading, self._writing, self._serving
        rows = self._rows[port]
        bit = 1 << port
        cycle = row.asked
        while True:
            if not writing[cycle] & bit:
                later = rows[cycle] if reading[cycle] & bit else None
                if not later or later.asked > row.asked:
                    reading[cycle] |= bit
                    rows[cycle] = row
                    if later:
                        self._push(cycle + 1, port, later)
                    if not serving[cycle] & bank:
                        serving[cycle] |= bank
                        row.serve(cycle)
                        return
                    if self._yields(cycle, port, bank):
                        row.serve(cycle)
                        return
            cycle += 1
            self._reach(cycle)

    def _yields(self, cycle: int, port: int, bank: int) -> bool:
        """Whether a bank that reads for a port of the other reader takes turns with this one."""
        half = self._ports // 2
        if (port >= half) != cycle & 1:
            return False
        others = range(half) if port >= half else range(half, self._ports)
        for other in others:
            if self._reading[cycle] >> other & 1:
                row = self._rows[other][cycle]
                word = row.word + row.ports.index(other)
                if self._banks(word, 1)[0] == bank:
                    self._push(cycle + 1, other, row)
                    return True
        return False

    def _push(self, cycle: int, port: int, row: Row) -> None:
        """Place a word of a row again that another request pushed back."""
        rows = self._rows[port]
        bit = 1 << port
        while True:
            self._reach(cycle)
            if not self._writing[cycle] & bit:
                row.serve(cycle)
                if not self._reading[cycle] & bit:
                    self._reading[cycle] |= bit
                    rows[cycle] = row
                    return
                if rows[cycle].asked > row.asked:
                    row, rows[cycle] = rows[cycle], row
            cycle += 1

    def write(self, cycle: int, word: int, count: int) -> int:
        """Write neighbouring words, as many a cycle as there are ports, the last ones in `cycle`.

        Returns the cycle in which the last one is written.
        """
        self.words += count
        starts = range(0, count, self._ports)
        for beats_left, start in zip(reversed(range(len(starts))), starts, strict=True):
            some = min(self._ports, count - start)
            last = self._write_some(cycle - beats_left, word + start, some)
        return last

    def _write_some(self, cycle: int, word: int, count: int) -> int:
        """Write words in a cycle, or later; return the cycle of the last one.

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
                    self._push(cycle + 1, port, self._rows[port][cycle])
                if not self._serving[cycle] & bank:
                    self._serving[cycle] |= bank
                    return cycle
            cycle += 1
            self._reach(cycle)


class Reader:
    """A reader of rows: one command a cycle, a word a port, ports in turn.

    Several clients share it. One that goes first may be told late: the commands of others then
    move, and their answers with them.

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
        self._ranks = bytearray(CYCLES)  # of who asks, by cycle
        self._rows: dict[int, Row] = {}  # what is asked for
        self._last = Row(LONG_AGO)

    def read(self, cycle: int, word: int, count: int, rank: int) -> Row:
        """Ask for neighbouring words from `cycle` on; a higher `rank` goes first."""
        cycle = self._first(cycle, rank - 1)
        ports = self._ports[self._turn : self._turn + count]
        self._turn = (self._turn + count) % (len(self._ports) // 2)
        row = self._memory.read(cycle, word, ports)
        if cycle > self._last.asked:
            # Answers come in the order of the commands.
            row.answered = max(row.answered, self._last.answered + 1)
            self._last = row
        self._take(cycle, rank, row)
        return row

    def _first(self, cycle: int, rank: int) -> int:
        """Return the first cycle from `cycle` on that nobody of a higher rank has."""
        while True:
            while cycle + CYCLES // 2 > len(self._ranks):
                self._ranks += bytes(len(self._ranks))
            if self._ranks[cycle] <= rank:
                return cycle
            cycle += 1

    def _take(self, cycle: int, rank: int, row: Row) -> None:
        """Give a cycle to a row; who had it, and all behind that one, have later ones."""
        while True:
            before, self._ranks[cycle] = self._ranks[cycle], rank
            other, self._rows[cycle] = self._rows.get(cycle), row
            if not before:
                return
            rank, row = before, other
            cycle = self._first(cycle + 1, rank)
            row.answered += cycle - row.asked
            row.asked = cycle


class Writes:
    """The rows of outputs in writing order, and when they are known to be performed.

    They are placed late: what is read at the same time comes first, for that decides which ports
    they go to.
    """

    def __init__(self, memory: Memory):
        self._memory = memory
        self._waiting: deque[tuple[int, int, int]] = deque()
        self._performed: list[int] = []

    def add(self, cycle: int, word: int, count: int) -> None:
        """Write neighbouring words from `cycle` on, later than those before."""
        self._waiting.append((cycle, word, count))

    def place(self, until: int) -> None:
        """Place what is written up to this cycle: all reads until then are."""
        while self._waiting and self._waiting[0][0] <= until:
            self._place()

    def _place(self) -> None:
        cycle = self._memory.write(*self._waiting.popleft()) + PERFORMED
        before = self._performed[-1] if self._performed else LONG_AGO
        self._performed.append(max(cycle, before))

    def is_known(self, position: int) -> bool:
        """Whether all rows up to a position have been added."""
        return position <= len(self._performed) + len(self._waiting)

    def performed(self, position: int) -> int:
        """Return when the rows up to a position are known to be performed."""
        while len(self._performed) < position:
            self._place()
        return self._performed[position - 1] if position > 0 else LONG_AGO
