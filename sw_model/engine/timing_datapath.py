"""When rows pass the array, the epilogue, the writer, and LayerNorm's normalisation."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from hw.config import WORD_BYTES, EngineConfig
from hw.regmap import ParamMode
from sw_model.engine.timing_latency import (
    ARRAY,
    DIVIDE,
    EPILOGUE,
    LONG_AGO,
    NORMALISE,
    PORTS,
    ROOT,
    SHADOW,
    STATISTICS,
    SUMMED,
    TABLE_RELEASE,
    TILE,
    VARIANCE,
)
from sw_model.engine.timing_memory import Writes
from sw_model.engine.timing_steps import Step
from sw_model.engine.timing_streams import (
    ElementLoader,
    ParameterUnit,
    Steps,
    WeightLoader,
)

Cycles = np.ndarray


def in_turn(cycles: Cycles) -> Cycles:
    """Return when rows go, one a cycle, that may go from these cycles on."""
    number = np.arange(len(cycles))
    return np.maximum.accumulate(cycles - number) + number


class Output:
    """The epilogue and the writer.

    Attributes
    ----------
    steps, rows : Steps
        Queues of the two.
    taken : int
        When the last row went into the epilogue.
    prepared : int
        When its entries were read.
    """

    def __init__(
        self,
        config: EngineConfig,
        writes: Writes,
        parameters: ParameterUnit,
        residual: ElementLoader,
    ):
        self.steps = Steps()
        self.rows = Steps()
        self.taken = LONG_AGO
        self.prepared = LONG_AGO
        self._config = config
        self._writes = writes
        self._parameters = parameters
        self._residual = residual
        self._stored = LONG_AGO

    def pass_group(self, step: Step, column: int, sums: Cycles) -> Cycles:
        """Let the rows of a column group through, whose sums come then; return when they go."""
        product = step.product
        there = np.maximum(self.entries_there(step, column), step.there)
        there = np.broadcast_to(there, len(sums))
        ready = np.maximum(sums, there + 1)
        ready[0] = max(ready[0], self.taken + 1)
        if product.joins or self._words(step, column) > self._config.ports:
            taken = np.empty(len(sums), np.int64)
            for row, cycle in enumerate(ready.tolist()):
                taken[row] = self.pass_row(step, column, row, cycle)
        else:
            taken = in_turn(ready)
            stored = np.maximum(taken + EPILOGUE, step.there)
            stored[0] = max(stored[0], self._stored + 1)
            for row, cycle in enumerate(in_turn(stored).tolist()):
                self._store(step, column, row, cycle)
            self.taken = int(taken[-1])
        before = int(taken[-2]) if len(taken) > 1 else LONG_AGO
        self.prepared = max(int(there[-1]), self.prepared + 1, before)
        return taken

    def pass_row(self, step: Step, column: int, row: int, cycle: int) -> int:
        """Let one row through from `cycle` on; return when it goes."""
        cycle = max(cycle, self.taken + 1)
        if step.product.joins:
            cycle = max(cycle, self._residual.next())
            self._residual.take(cycle)
            self._residual.fetch_ahead()
        beats = -(-self._words(step, column) // self._config.ports)
        stored = max(self._stored + beats, cycle + EPILOGUE, step.there)
        self._store(step, column, row, stored)
        self.taken = max(cycle, stored - EPILOGUE)
        return self.taken

    def entries_there(self, step: Step, column: int) -> int | Cycles:
        """Return when the entries of a column group are there, or those of each row."""
        product, parameters = step.product, self._parameters
        parameters.settle()
        there: int | Cycles = LONG_AGO
        if not product.raw:
            entries = parameters.entries[step.bank]
            if product.param_mode == ParamMode.COLUMN:
                there = entries.there(min(column + self._config.units, step.columns))[-1]
            elif product.param_mode == ParamMode.ROW:
                there = np.array(entries.there(product.rows))
            else:
                there = entries.there()[0]
        if product.table is not None:
            there = np.maximum(there, parameters.tables[product.table].there()[0])
        return there

    def end(self, step: Step) -> None:
        """End a step: all its rows have passed."""
        self.steps.take(self.prepared)
        self.rows.take(self._stored)
        if step.releases:
            self._parameters.free[step.bank] = self.prepared
        if step.product.table_release and step.last_column:
            self._parameters.table_free[step.product.table] = self.taken + TABLE_RELEASE

    def _words(self, step: Step, column: int) -> int:
        columns = min(self._config.units, step.columns - column)
        return -(-columns * step.product.sizes["y"] // WORD_BYTES)

    def _store(self, step: Step, column: int, row: int, cycle: int) -> None:
        """Write a row that the writer takes in `cycle`."""
        word = step.y.word + row * step.y.stride + column * step.product.sizes["y"] // WORD_BYTES
        self._stored = cycle
        self._writes.add(cycle + PORTS, word, self._words(step, column))


class Array:
    """The issue stage, the array and the accumulators.

    Attributes
    ----------
    steps : Steps
    issued : int
        When the last row was issued.
    """

    def __init__(self, config: EngineConfig, weights: WeightLoader, output: Output):
        self.steps = Steps()
        self.issued = LONG_AGO
        self._units = config.units
        self._weights = weights
        self._output = output
        self._done = deque([LONG_AGO] * SUMMED, maxlen=SUMMED)  # with the last rows

    def multiply(self, step: Step, inputs: Sequence[int]) -> None:
        """Work on a step whose input rows are answered at these cycles."""
        rows = np.array(inputs) + TILE
        columns = range(0, step.columns, self._units)
        full = self._load(step, 0)
        inside: deque[tuple[int, Cycles]] = deque()  # groups that are on their way
        for column in columns:
            while len(inside) * len(rows) > SUMMED:
                self._leave(step, inside)
            ready = rows.copy()
            ready[0] = max(ready[0], full, step.there, self.issued + 1)
            if not inside:
                ready = self._held_up(ready)
            elif len(inside) * len(rows) == SUMMED:
                ready[0] = max(ready[0], self._first_done(step, inside[0][1]))
            else:
                ready[0] = max(ready[0], self._done[len(inside) * len(rows)])
            issued = in_turn(ready)
            inside.append((column, issued))
            self.issued = int(issued[-1])
            self._weights.swapped = int(issued[0])
            if column != columns[-1]:
                full = self._load(step, column + self._units)
        while inside:
            self._leave(step, inside)
        self.steps.take(self.issued)

    def _first_done(self, step: Step, issued: Cycles) -> int:
        """Return when the first row of the oldest group is done with."""
        before = self._output.taken if step.last else LONG_AGO
        return max(issued[0] + SUMMED, self._done[-1] + 1, before)

    def _held_up(self, ready: Cycles) -> Cycles:
        """Return when rows may be issued: one not done with holds up the one SUMMED behind it."""
        ready = ready.copy()
        for row, done in enumerate(self._done):
            if row < len(ready):
                ready[row] = max(ready[row], done)
        return ready

    def _leave(self, step: Step, inside: deque[tuple[int, Cycles]]) -> None:
        """Let the oldest group's rows leave for the output, or stay in the accumulators."""
        column, issued = inside.popleft()
        done = issued + SUMMED
        done[0] = self._first_done(step, issued)
        if step.last:
            taken = self._output.pass_group(step, column, issued + ARRAY)
            done[1:] = np.maximum(done[1:], taken[:-1])
        done = in_turn(done)
        self._done.extend(done[-SUMMED:].tolist())
        if len(issued) > SUMMED:
            self.issued = max(self.issued, int(done[-1 - SUMMED]))
        if inside:
            column, issued = inside[0]
            inside[0] = column, in_turn(self._held_up(issued))
            if len(inside) == 1:
                self.issued = max(self.issued, int(inside[0][1][-1]))

    def _load(self, step: Step, column: int) -> int:
        """Return when the weights of a column group are in the shadow registers."""
        return self._weights.load(min(self._units, step.columns - column)) + SHADOW


class Normalisation:
    """The path past the array, with LayerNorm's statistics.

    Parameters
    ----------
    config : EngineConfig
    direct, whole_rows : ElementLoader
        Of elements, and of rows for the statistics.
    output : Output
    """

    def __init__(
        self,
        config: EngineConfig,
        direct: ElementLoader,
        whole_rows: ElementLoader,
        output: Output,
    ):
        self._units = config.units
        self._direct = direct
        self._whole_rows = whole_rows
        self._output = output
        self._statistics = STATISTICS + (config.units > 8)
        self._stages = [LONG_AGO] * 4  # when the last row went into each stage of Root, and out
        self._summed = LONG_AGO
        self._blocks: deque[list[int]] = deque()  # when a block's statistics are there, by row
        self._measured = 0  # blocks
        self._freed = [LONG_AGO] * 2  # when the statistics before those of each block were
        self._taken = LONG_AGO
        self._passed = deque([LONG_AGO] * NORMALISE, maxlen=NORMALISE)

    def measure(self, step: Step) -> None:
        """Find the statistics of a block of rows."""
        groups = -(-step.product.columns // self._units)
        free = self._freed[self._measured] + 1
        self._measured += 1
        block = []
        for _ in range(step.product.rows):
            for _ in range(groups):
                cycle = max(self._whole_rows.next(), self._whole_rows.gone + 1)
                self._whole_rows.take(cycle)
                self._whole_rows.fetch_ahead()
            block.append(self._root(cycle + self._statistics, free))
        self._blocks.append(block)

    def _root(self, cycle: int, free: int) -> int:
        """Return when a row's statistics are there whose sums come at `cycle`."""
        variance, root, divide, out = self._stages
        self._summed = max(cycle, variance + 1)
        variance = max(self._summed, root)
        root = max(variance + VARIANCE, divide)
        divide = max(root + ROOT, out)
        out = max(divide + DIVIDE, out + 1, free)
        self._stages = [variance, root, divide, out]
        return out

    def normalise(self, step: Step) -> None:
        """Let a tile of elements through to the output, row by row."""
        product, output = step.product, self._output
        columns = range(0, step.columns, self._units)
        there = [LONG_AGO] * len(columns)
        for row in range(product.rows):
            for number, column in enumerate(columns):
                cycle = max(self._direct.next(), self._taken + 1, self._passed[0])
                if product.normalise:
                    cycle = max(cycle, self._blocks[0][row] + 1)
                self._taken = cycle
                self._direct.take(cycle)
                if row == 0 or product.param_mode == ParamMode.ROW:
                    entries = output.entries_there(step, column)
                    there[number] = int(np.broadcast_to(entries, product.rows)[row])
                ready = max(there[number], step.there, output.prepared + 1, output.taken)
                output.prepared = ready
                cycle = max(cycle + NORMALISE, ready + 1)
                self._passed.append(output.pass_row(step, column, row, cycle))
                self._direct.fetch_ahead(until=output.taken)
        if product.normalise and step.last_column:
            self._blocks.popleft()
            self._freed.append(self._taken)
