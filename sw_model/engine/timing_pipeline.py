"""The engine's units, joined, and the walker that gives them their steps."""

from functools import partial

from hw.config import ClusterConfig
from sw_model.engine.timing_datapath import Array, Normalisation, Output
from sw_model.engine.timing_latency import LONG_AGO
from sw_model.engine.timing_memory import DIRECT, LAST, RESIDUALS, Memory, Reader, Writes
from sw_model.engine.timing_steps import Load, Phase, Product, Step
from sw_model.engine.timing_streams import (
    ElementLoader,
    InputLoader,
    ParameterUnit,
    Steps,
    WeightLoader,
)


class Pipeline:
    """Takes products one after the other and finds out when their outputs are written.

    A step is worked on when the one behind it has been put into the queues: its weights may be
    asked for before.

    Parameters
    ----------
    config : ClusterConfig

    Attributes
    ----------
    memory : Memory
    writes : Writes
    control : Reader
        That of descriptors.
    """

    def __init__(self, config: ClusterConfig):
        engine = config.engine
        self.memory = memory = Memory(config)
        front = Reader(memory, 0, engine.row_words)
        back = Reader(memory, engine.row_words, engine.row_words)
        self.control = front
        self.writes = writes = Writes(memory)
        self._tile = engine.tile
        self._input = InputLoader(front, writes)
        self._weights = WeightLoader(back, writes, engine.units)
        self._parameters = ParameterUnit(back, writes, engine)
        self._direct = ElementLoader([front, back], writes, engine, DIRECT)
        self._whole_rows = ElementLoader([front], writes, engine, LAST)
        self._residual = ElementLoader([front, back], writes, engine, RESIDUALS)
        self._output = Output(engine, writes, self._parameters, self._residual)
        self._array = Array(engine, self._weights, self._output)
        self._normalisation = Normalisation(engine, self._direct, self._whole_rows, self._output)
        self._idle = LONG_AGO  # the walker's last cycle with a step
        self._bank = 0
        self._inputs: list[int] = []
        self._waiting: Step | None = None

    def walk(self, product: Product, cycle: int) -> int:
        """Cut a product that is offered from `cycle` on into steps; return when it is taken."""
        cycle = max(cycle, self._idle + 1)
        for step in product.steps(self._tile):
            cycle = self._put(step, cycle + 1)
        self._idle = cycle
        return cycle

    def finish(self) -> None:
        """Work on what was put off."""
        step, self._waiting = self._waiting, None
        if step:
            self._work(step)

    def _put(self, step: Step, cycle: int) -> int:
        """Give a step to its users as soon as these have room; return when."""
        if step.loads:
            self._parameters.settle()
        queues = self._users(step)
        cycle = max(cycle, *(queue.room() for queue in queues))
        for queue in queues:
            queue.put()
        step.there = cycle + 1
        step.bank = self._bank
        if step.last and step.releases:
            self._bank ^= 1
        if step.product.is_matrix:
            gate = step.product.gates["w"]
            self._weights.begin(step.there, step.w, step.columns, step.words, gate)
        self.finish()
        self._waiting = step
        return cycle

    def _users(self, step: Step) -> list[Steps]:
        product = step.product
        users = {
            self._input.steps: step.fetches_input,
            self._weights.steps: product.is_matrix,
            self._array.steps: product.is_matrix,
            self._parameters.steps: step.loads,
            self._output.steps: step.has_outputs,
            self._output.rows: step.has_outputs,
            self._direct.steps: product.phase == Phase.DIRECT and product.writes,
            self._residual.steps: step.has_outputs and product.joins,
            self._whole_rows.steps: product.phase == Phase.STATISTICS,
        }
        return [queue for queue, uses in users.items() if uses]

    def _load(self, step: Step) -> None:
        """Fetch parameters, or open a bank for masses."""
        product, unit = step.product, self._parameters
        begin = step.there, product.gates["p"]
        if product.load == Load.TABLE:
            unit.load_table(*begin, step.load_word, product.table)
        elif product.load == Load.ENTRIES:
            unit.load_entries(*begin, step.load_word, step.load_count, step.bank)
        elif product.load == Load.HEAD:
            unit.load_head(*begin, step.load_word, step.bank)
        else:
            unit.open_masses(*begin, step.bank)

    def _work(self, step: Step) -> None:
        """Find out when a step's inputs, sums and outputs are there.

        What its units ask for at the same time is placed by rank.
        """
        product = step.product
        if product.phase == Phase.STATISTICS:
            self._whole_rows.begin(step.there, step.elements("x"))
            self._whole_rows.fetch_ahead()
            self._normalisation.measure(step)
            return
        if step.has_outputs and product.joins:
            self._residual.begin(step.there, step.elements("r"))
            self._residual.fetch_ahead()
        if product.phase == Phase.DIRECT and product.writes:
            self._direct.begin(step.there, step.elements("x"))
            self._direct.fetch_ahead()
        if step.loads:
            self._parameters.put_off(partial(self._load, step))
        if product.is_matrix:
            self._multiply(step)
        elif product.writes:
            self._normalisation.normalise(step)
        if step.last and product.writes:
            self._output.end(step)

    def _multiply(self, step: Step) -> None:
        if step.fetches_input:
            there = step.there
            if step.sums_up:
                self._parameters.settle()
                there = max(there, self._parameters.masses_open)
            rows, gate = step.product.rows, step.product.gates["x"]
            self._inputs = self._input.load(there, step.x, rows, step.words, gate)
            if step.sums_up:
                self._parameters.fill_masses(self._inputs)
        self._array.multiply(step, self._inputs)
        if not step.keeps_input:
            self._input.release(self._array.issued)
