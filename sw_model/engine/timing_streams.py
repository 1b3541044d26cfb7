"""When the engine's loaders have what they fetch: input tiles, weights, parameters, elements."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hw.config import WORD_BYTES, EngineConfig
from hw.regmap import HEAD_PARAMETER, PARAMETER
from sw_model.engine.timing_latency import (
    ELEMENT_ROWS,
    ENTRY,
    LONG_AGO,
    MASS,
    NEVER,
    PARAMETER_STEPS,
    STEPS_WAITING,
    TABLE_WORDS,
    UNPACK,
    WEIGHT_ROWS,
)
from sw_model.engine.timing_memory import LAST, TILES, Reader, Row, Writes


@dataclass(frozen=True)
class Gate:
    """What a fetch waits for: the writes up to `position`, or one more for each row of a tile."""

    position: int = 0
    by_row: bool = False

    def opens(self, writes: Writes, row: int = 0) -> int:
        """Return when a row may be fetched."""
        return writes.performed(self.position + (row + 1 if self.by_row else 0))


@dataclass(frozen=True)
class Area:
    """Where rows lie: word address of the first, words from one to the next."""

    word: int
    stride: int


class Steps:
    """A queue of steps from the walker to a unit: when each is taken out."""

    def __init__(self):
        self._taken = [LONG_AGO] * STEPS_WAITING
        self._put = 0

    def room(self) -> int:
        """Return when there is room for the next step."""
        return self._taken[self._put] + 1

    def put(self) -> None:
        self._put += 1

    def take(self, cycle: int) -> None:
        self._taken.append(cycle)


class InputLoader:
    """Fetches input tiles row by row, into two buffers."""

    def __init__(self, reader: Reader, writes: Writes):
        self.steps = Steps()
        self._reader = reader
        self._writes = writes
        self._released = deque([LONG_AGO] * 2, maxlen=2)
        self._asked = LONG_AGO
        self._answered = LONG_AGO

    def load(self, cycle: int, area: Area, rows: int, words: int, gate: Gate) -> list[int]:
        """Fetch a tile from `cycle` on; return when each row is answered."""
        cycle = max(cycle, self._asked, self._released[0] + 1)
        self.steps.take(cycle)
        answers = []
        answered = self._answered
        for row in range(rows):
            cycle = max(cycle + 1, gate.opens(self._writes, row))
            word = area.word + row * area.stride
            fetched = self._reader.read(cycle, word, words, TILES)
            cycle, answered = fetched.asked, max(answered + 1, fetched.answered)
            answers.append(answered)
        self._asked, self._answered = cycle, answered
        return answers

    def release(self, cycle: int) -> None:
        """Free the buffer of the oldest tile."""
        self._released.append(cycle)


class WeightLoader:
    """Fetches weights group by group: shadow registers, and as many rows in front of them.

    Attributes
    ----------
    swapped : int
        When the shadow's group went to the array.
    asked : int
        When the last row was asked for.
    """

    def __init__(self, reader: Reader, writes: Writes, units: int):
        self.steps = Steps()
        self.swapped = LONG_AGO
        self.asked = LONG_AGO
        self._reader = reader
        self._writes = writes
        self._depth = max(units, WEIGHT_ROWS)
        self._taken = deque([LONG_AGO] * self._depth, maxlen=self._depth)
        self._ahead: deque[Row] = deque()  # asked for, not in the shadow
        self._answered = LONG_AGO
        self._loaded = LONG_AGO
        self._left = 0  # rows of the tile to ask for
        self._todo: deque[tuple[int, Area, int, int, Gate]] = deque()  # tiles

    def begin(self, cycle: int, area: Area, rows: int, words: int, gate: Gate) -> None:
        """Go on to another tile, known from `cycle` on."""
        self._todo.append((cycle, area, rows, words, gate))
        self._fetch_ahead()

    def _next_tile(self) -> bool:
        """Begin a tile, if there is one and it is known when it may be fetched."""
        if not self._todo or not self._writes.is_known(self._todo[0][-1].position):
            return False
        cycle, area, self._left, self._words, gate = self._todo.popleft()
        self.asked = max(cycle, self.asked)
        self.steps.take(self.asked)
        self._word, self._stride = area.word, area.stride
        self._opens = gate.opens(self._writes)
        return True

    def _fetch_ahead(self) -> None:
        while len(self._ahead) < self._depth and (self._left or self._next_tile()):
            cycle = max(self.asked + 1, self._taken[0] + 1, self._opens)
            self._writes.place(cycle)
            row = self._reader.read(cycle, self._word, self._words, TILES)
            self.asked = row.asked
            self._word += self._stride
            self._left -= 1
            self._ahead.append(row)
            self._taken.append(LONG_AGO)  # until it is known

    def load(self, rows: int) -> int:
        """Load a group; return when its last row goes into the shadow registers."""
        loaded = max(self._loaded, self.swapped - 1)
        for _ in range(rows):
            if not self._ahead:
                self._fetch_ahead()
            self._answered = max(self._answered + 1, self._ahead.popleft().answered)
            loaded = max(loaded + 1, self._answered)
            self._taken[-1 - len(self._ahead)] = loaded
            self._fetch_ahead()
        self._loaded = loaded
        return loaded


class Entries:
    """What was loaded into a bank: entries from memory, a table, or masses.

    Parameters
    ----------
    rows
        Rows of words that were asked for, in this order.
    at_once : int
        Entries in a row; 0 when all rows together are one entry, or a table.
    masses
        When each entry is there, if they do not come from memory.
    """

    def __init__(self, rows: Sequence[Row] = (), at_once: int = 1, masses: Sequence[int] = ()):
        self._rows = rows
        self._at_once = at_once
        self._masses = list(masses)

    def there(self, count: int = 1) -> list[int]:
        """Return when each of the first `count` entries is there."""
        if self._masses:
            return self._masses[:count]
        # Commands that were put off are in the order of their cycles nevertheless.
        answers = sorted(row.answered + ENTRY for row in self._rows)
        if not self._at_once:
            return answers[-1:]
        return [answers[n // self._at_once] for n in range(count)]

    def asked(self) -> int:
        """Return when the last row was asked for."""
        return max((row.asked for row in self._rows), default=LONG_AGO)

    def whole(self) -> int:
        """Return when all of it is there."""
        return max((row.answered + ENTRY for row in self._rows), default=LONG_AGO)


class ParameterUnit:
    """Fetches entries and tables, and takes masses, into two banks of each.

    Loads are put off until somebody needs them: all others who read are placed before.

    Attributes
    ----------
    entries, tables : list of Entries
        What is in each bank.
    free, table_free : list of int
        When each bank was released last.
    masses_open : int
        From when on the last bank that is kept for masses takes them.
    """

    def __init__(self, reader: Reader, writes: Writes, config: EngineConfig):
        self.steps = Steps()
        self.masses_open = LONG_AGO
        self.entries = [Entries(), Entries()]
        self.tables = [Entries(), Entries()]
        self.free = [LONG_AGO] * 2
        self.table_free = [LONG_AGO] * 2
        self._reader = reader
        self._writes = writes
        self._row_words = config.row_words
        self._at_once = max(1, min(config.row_words // PARAMETER.words, config.units))
        self._loads = deque([Entries()] * PARAMETER_STEPS, maxlen=PARAMETER_STEPS)
        self._masses_in = LONG_AGO
        self._mass_bank = 0
        self._todo: deque[Callable[[], None]] = deque()

    def put_off(self, load: Callable[[], None]) -> None:
        """Keep a load for later."""
        self._todo.append(load)

    def settle(self) -> None:
        """Do what was put off."""
        while self._todo:
            self._todo.popleft()()

    def _begin(self, cycle: int, gate: Gate, free: int) -> int:
        oldest, newest = self._loads[0].whole(), self._loads[-1].asked()
        opens = gate.opens(self._writes)
        cycle = max(cycle, opens, free + 1, newest + 1, self._masses_in, oldest)
        self.steps.take(cycle)
        return cycle

    def _read(self, cycle: int, word: int, counts: Sequence[int], at_once: int) -> Entries:
        """Fetch neighbouring words with some commands."""
        rows = []
        for count in counts:
            rows.append(self._reader.read(cycle + 1, word, count, LAST))
            cycle = rows[-1].asked
            word += count
        self._loads.append(Entries(rows, at_once))
        return self._loads[-1]

    def load_entries(self, cycle: int, gate: Gate, word: int, count: int, bank: int) -> None:
        """Fetch `count` entries."""
        cycle = self._begin(cycle, gate, self.free[bank])
        starts = range(0, count, self._at_once)
        counts = [PARAMETER.words * min(self._at_once, count - n) for n in starts]
        self.entries[bank] = self._read(cycle, word, counts, self._at_once)

    def load_head(self, cycle: int, gate: Gate, word: int, bank: int) -> None:
        """Fetch a head's entry with its j and gain; a short row has no room for all of it."""
        cycle = self._begin(cycle, gate, self.free[bank])
        words = HEAD_PARAMETER.words
        counts = [words] if self._row_words >= words else [PARAMETER.words, 1]
        self.entries[bank] = self._read(cycle, word, counts, 0)

    def load_table(self, cycle: int, gate: Gate, word: int, bank: int) -> None:
        """Fetch an activation table, word by word."""
        cycle = self._begin(cycle, gate, self.table_free[bank])
        self.tables[bank] = self._read(cycle, word, [1] * TABLE_WORDS, 0)

    def open_masses(self, cycle: int, gate: Gate, bank: int) -> None:
        """Keep a bank for masses."""
        cycle = self._begin(max(cycle, self._loads[-1].whole()), gate, self.free[bank])
        self._mass_bank = bank
        self.masses_open = cycle + 1

    def fill_masses(self, answers: Sequence[int]) -> None:
        """Take the masses of rows whose last logits were answered in these cycles."""
        there = [answer + MASS for answer in answers]
        self.entries[self._mass_bank] = Entries(masses=there)
        self._masses_in = there[-1]


@dataclass(frozen=True)
class Elements:
    """A part of a matrix that is fetched N elements at a time; `size` is an element's bytes."""

    area: Area
    rows: int
    columns: int
    size: int
    by_row: bool
    gate: Gate

    def beats(self, config: EngineConfig, writes: Writes) -> Iterator[tuple[int, int, int, int]]:
        """Return for each row of words: when it may be fetched, its address, words, groups."""
        units, size = config.units, self.size
        runs = [(0, self.columns)]
        if not self.by_row:
            starts = range(0, self.columns, units)
            runs = [(start, min(units, self.columns - start)) for start in starts]
        most = config.lanes // size if self.by_row else min(units, config.lanes // size)
        parts = max(1, units * size // config.lanes)  # rows of words that a group takes
        for start, columns in runs:
            for row in range(self.rows):
                opens = self.gate.opens(writes, row) if start == 0 else LONG_AGO
                line = self.area.word + row * self.area.stride
                for number, done in enumerate(range(0, columns, most)):
                    count = min(most, columns - done)
                    groups = -(-count // units)
                    if parts > 1:
                        groups = int(done + count == columns or number % parts == parts - 1)
                    word = line + (start + done) * size // WORD_BYTES
                    yield opens, word, -(-count * size // WORD_BYTES), groups


class ElementLoader:
    """Fetches elements and hands them out N at a time.

    Parameters
    ----------
    readers
        Taken in turn.
    rank : int
        Of its reads.
    """

    def __init__(self, readers: Sequence[Reader], writes: Writes, config: EngineConfig, rank: int):
        self._rank = rank
        self.steps = Steps()
        self._readers = deque(readers)
        self._writes = writes
        self._config = config
        self._todo: deque[tuple[int, Elements]] = deque()
        self._beats: Iterator[tuple[int, int, int, int]] = iter(())
        self._ahead: deque[tuple[Row, int]] = deque()  # rows asked for, and their groups
        self._groups = 0  # that are left of the answer at hand
        self._taken = deque([LONG_AGO] * ELEMENT_ROWS, maxlen=ELEMENT_ROWS)
        self.asked = self.gone = LONG_AGO
        self._answered = self._unpacked = LONG_AGO

    def begin(self, cycle: int, elements: Elements) -> None:
        """Go on to another step, which is there from `cycle` on."""
        self._todo.append((cycle, elements))

    def fetch_ahead(self, until: int = NEVER) -> None:
        """Ask for what there is room for, up to a cycle."""
        while self.asked < until and len(self._ahead) + (self._groups > 0) < ELEMENT_ROWS:
            if not self._fetch():
                return

    def _fetch(self) -> bool:
        """Ask for the next row of words; return whether there was one."""
        beat = next(self._beats, None)
        while beat is None:
            if not self._todo:
                return False
            cycle, elements = self._todo.popleft()
            self.asked = max(cycle, self.asked)
            self.steps.take(self.asked)
            self._beats = elements.beats(self._config, self._writes)
            beat = next(self._beats, None)
        opens, word, count, groups = beat
        cycle = max(self.asked + 1, opens, self._taken[0] + 1)
        self._writes.place(cycle)
        row = self._readers[0].read(cycle, word, count, self._rank)
        self._readers.rotate(-1)
        self.asked = row.asked
        self._ahead.append((row, groups))
        self._taken.append(LONG_AGO)  # until it is known
        return True

    def next(self) -> int:
        """Return when the next N elements are there."""
        whole = True  # not a part of a long group
        while True:
            if not self._groups:
                if not self._ahead:
                    self._fetch()
                row, self._groups = self._ahead.popleft()
                self._answered = max(self._answered + 1, row.answered)
                whole = self._groups > 0
            self._unpacked = max(self._answered, self._unpacked + 1, self.gone)
            self._groups -= whole
            if not self._groups:
                self._taken[-1 - len(self._ahead)] = self._unpacked
            if whole:
                return self._unpacked + UNPACK

    def take(self, cycle: int) -> None:
        """Take them."""
        self.gone = cycle
