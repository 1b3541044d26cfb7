"""Predicts the cycles of the engine's jobs from their descriptors, without executing them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from hw.config import TCDM_BASE, WORD_BYTES, ClusterConfig
from hw.regmap import DESCRIPTOR, HEAD_PARAMETER, ElementType, Kind, Status
from sw_model.engine.check import check, check_address
from sw_model.engine.timing_latency import CHECK, EVENT, FETCH, JOBS_INSIDE, LONG_AGO, STATUS
from sw_model.engine.timing_memory import DESCRIPTORS
from sw_model.engine.timing_pipeline import Pipeline
from sw_model.engine.timing_sequencer import Sequencer

Fields = dict[str, int]


@dataclass(frozen=True)
class JobTime:
    """When a job ran.

    Parameters
    ----------
    address : int
        Of its descriptor.
    start, end : int
        Cycles, from the first doorbell's acceptance, of the start of its descriptor's fetch and of
        its event: what its status word counts, and 4 or so more.
    """

    address: int
    start: int
    end: int


@dataclass(frozen=True)
class Prediction:
    """What some jobs take.

    Parameters
    ----------
    jobs
        When each ran, in the order of their descriptors.
    words
        Words read and written, status words not counted.
    """

    jobs: tuple[JobTime, ...]
    words: int

    @property
    def cycles(self) -> int:
        """Cycles from the first doorbell's acceptance to the last event."""
        return self.jobs[-1].end


def predict(config: ClusterConfig, memory: bytes, doorbells: Sequence[int]) -> Prediction:
    """Predict when the jobs behind some doorbells run, if nobody else uses the scratchpad.

    For each tile step the model finds when its inputs, weights, parameters and sums are there,
    from when the units before could start and what they wait for, with all rows of a column group
    at a time: one pass through the steps, no clock. Of the scratchpad it knows which port and
    which bank is busy in a cycle, so that the engine's own requests meet one another.

    Parameters
    ----------
    config
        The engine and its scratchpad.
    memory
        The whole scratchpad, or as much of it as the descriptors lie in. Data does not matter.
    doorbells
        Addresses of descriptors, rung one right after the other.

    Raises
    ------
    ValueError
        No doorbell, or a faulty descriptor: how long it takes to find that out is not modelled.
    """
    if not doorbells:
        raise ValueError("no doorbell is rung")
    return _Control(config, memory, doorbells).run()


class _Control:
    """The fetch of jobs and their completion."""

    def __init__(self, config: ClusterConfig, memory: bytes, doorbells: Sequence[int]):
        self._config = config
        self._memory = memory
        self._doorbells = deque(doorbells)
        self._pipeline = Pipeline(config)
        self._sequencer = Sequencer(config, self._pipeline)
        self._ends: list[int] = []
        self._running: deque[tuple[int, int, bool]] = deque()  # out, position, has a status

    def run(self) -> Prediction:
        """Run all jobs."""
        starts = []
        fetched = self._fetch(self._doorbells.popleft(), FETCH)
        idle = 0
        while fetched:
            address, start, f, offered = fetched
            if f["kind"] == Kind.ATTENTION and f["wait_p"]:
                self._pipeline.finish()
                offered = self._read_heads(f, max(offered, self._end(len(starts)) + 1))
            taken = max(offered, idle, self._end(len(starts) + 1 - JOBS_INSIDE) + 1)
            starts.append((address, start))
            fetched = None
            if f["next"]:
                fetched = self._fetch(f["next"], taken + 1)
            elif self._doorbells:
                fetched = self._fetch(self._doorbells.popleft(), taken + 2)
            out = self._sequencer.run(f, taken)
            self._running.append((out, self._sequencer.position, bool(f["status"])))
            idle = out + 1
        self._pipeline.finish()
        self._end(len(starts))
        times = zip(starts, self._ends, strict=True)
        jobs = tuple(JobTime(*start, end) for start, end in times)
        return Prediction(jobs, self._pipeline.memory.words)

    def _fetch(self, address: int, start: int) -> tuple[int, int, Fields, int]:
        """Read and check a descriptor from `start` on; return both, it, and when it is offered."""
        offset = address - TCDM_BASE
        raw = bytes(self._memory[max(offset, 0) : offset + DESCRIPTOR.bytes])
        status = check_address(self._config, address)
        if status == Status.DONE:
            status = check(self._config, raw)
        if status != Status.DONE:
            raise ValueError(f"the descriptor at {address:#x} is faulty: {status.name}")
        f = DESCRIPTOR.unpack(raw)
        words = self._config.engine.row_words
        row_starts = range(0, DESCRIPTOR.bytes // WORD_BYTES, words)
        offered = self._read(start, [offset // WORD_BYTES + n for n in row_starts], words)
        offered += CHECK + _areas(f)
        if f["kind"] == Kind.ATTENTION and not f["wait_p"]:
            offered = self._read_heads(f, offered)
        return address, start, f, offered

    def _read_heads(self, f: Fields, cycle: int) -> int:
        """Read every head's step j from `cycle` on; return when the job is offered."""
        first = (f["param_base"] - TCDM_BASE) // WORD_BYTES + HEAD_PARAMETER.words - 1
        words = [first + HEAD_PARAMETER.words * head for head in range(f["heads"])]
        return self._read(cycle, words, 1) + 1

    def _read(self, cycle: int, words: Sequence[int], count: int) -> int:
        """Read rows of words; return the cycle after the last one's answer."""
        answered = 0
        for word in words:
            row = self._pipeline.control.read(cycle, word, count, DESCRIPTORS)
            cycle, answered = row.asked + 1, max(answered + 1, row.answered)
        return answered + 1

    def _end(self, jobs: int) -> int:
        """Return when the first `jobs` jobs have ended."""
        while len(self._ends) < jobs:
            out, position, has_status = self._running.popleft()
            due = max(self._pipeline.writes.performed(position), out + 1)
            if self._ends:
                due = max(due, self._ends[-1] + 2)
            self._ends.append(due + (STATUS if has_status else EVENT))
        return self._ends[jobs - 1] if jobs > 0 else LONG_AGO


def _areas(f: Fields) -> int:
    """Return how many areas of a job the checker looks at."""
    attention = f["kind"] == Kind.ATTENTION
    joins = f["kind"] in (Kind.LINEAR, Kind.ELEMENTWISE) and (f["use_residual"] or f["accumulate"])
    entries = f["kind"] != Kind.COPY and f["y_type"] != ElementType.INT32
    operands = 2 + 3 * attention + (f["kind"] == Kind.LINEAR) + bool(joins)
    return operands + entries + f["use_table"]
