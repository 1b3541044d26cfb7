"""Rounds of a campaign: random queues, how they are run, and what memory may hold meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import DESCRIPTOR, STATUS_WORD, Kind, Status
from sw_model.engine import EngineModel, JobResult
from verif.lib.engine_chains import PARTS, random_queue, ring
from verif.lib.engine_hazards import Past, areas
from verif.lib.engine_jobs import (
    Full,
    Image,
    Job,
    from_deck,
    random_attention,
    random_job,
    random_linear,
)

GRANTS = (1.0, 0.9, 0.5, 0.2)
CLEARED = 0.15
"""Part of the rounds that a soft clear ends."""

LAYERS, CROWDS = 0.1, 0.06
"""Parts of the rounds whose jobs are layers, each with the one before as its input, and whose jobs
are many and tiny, so that as many as ever are under way at a time."""

NEXT = next(4 * word for word, field in DESCRIPTOR.fields if field.name == "next")


@dataclass
class Round:
    """Jobs that are queued together on one image, and what happens while they run.

    Parameters
    ----------
    number : int
    image : Image
    jobs : list of Job
    doorbells : list of int
        Addresses.
    pauses : list of int
        Cycles before each doorbell.
    grants : list of (float, int)
        Probability with which requests are granted, and for how many cycles; then the first again.
    look_at : int
        Memory is looked at when so many jobs have ended.
    clear_after : int or None
        Cycles from the last doorbell to a soft clear.
    """

    number: int
    image: Image
    jobs: list[Job]
    doorbells: list[int]
    pauses: list[int]
    grants: list[tuple[float, int]]
    look_at: int
    clear_after: int | None

    def __str__(self) -> str:
        clear = "" if self.clear_after is None else f", cleared after {self.clear_after} cycles"
        return f"round {self.number} ({len(self.jobs)} jobs, grants {self.grants}{clear})"


def random_grants(rng: np.random.Generator) -> list[tuple[float, int]]:
    """Return one probability most of the time, else some that take turns, perhaps hardly any."""
    if rng.random() < 0.6:
        return [(float(rng.choice(GRANTS)), 1)]
    count = int(rng.integers(2, 5))
    return [(float(rng.choice((*GRANTS, 0.02))), int(rng.integers(5, 300))) for _ in range(count)]


def random_rounds(config: ClusterConfig, seed: int, jobs: int) -> Iterator[Round]:
    """Yield rounds of `jobs` jobs in all; the same ones for the same arguments.

    All modes of a kind come, in rounds that no clear ends, before any comes again.
    """
    rng = np.random.default_rng(seed)
    largest = 5 * config.engine.tile // 2
    place = from_deck(rng, largest)
    number = 0
    while jobs > 0:
        image, count = Image(config, rng), int(rng.integers(1, 7))
        choice, cleared = rng.random(), rng.random() < CLEARED
        try:
            if choice < LAYERS:
                queue = random_layers(image, count, largest)
            elif choice < LAYERS + CROWDS:
                queue = random_queue(image, 16, lambda image: random_job(image, 3), linked=0.3)
            elif cleared:
                queue = random_queue(image, count, lambda image: random_job(image, largest))
            else:
                queue = random_queue(image, count, lambda image: _thinner(place(image)))
        except Full:
            continue
        jobs -= len(queue)
        yield arrange(image, queue, number, cleared)
        number += 1


def _thinner(job: Job) -> Job:
    """Give a job of attention, now and then, blocks of very few rows."""
    f, rng = job.fields, job.image.rng
    if f["kind"] == Kind.ATTENTION and rng.random() < 0.25:
        f["block_rows"] = min(f["block_rows"], int(rng.integers(1, 3)))
    return job


def random_layers(image: Image, count: int, largest: int) -> list[Job]:
    """Place up to `count` linear jobs, perhaps attention first: X is Y of the job before.

    All have the same rows, so that X follows Y row by row (see `Sequencer`).
    """
    rng, past, jobs = image.rng, Past.of(image), []
    first = random_attention if rng.random() < 0.4 else random_linear
    while len(jobs) < count:
        try:
            job = (random_linear if jobs else first)(image, largest)
        except Full:
            if not jobs:
                raise
            break
        if jobs and not _lay(job, jobs[-1]):
            continue
        past.queue(job)
        jobs.append(job)
    return jobs


def _lay(job: Job, before: Job) -> bool:
    """Make X of a linear job Y of another one, if its rows suffice; return whether they do."""
    f, g = job.fields, before.fields
    if f["rows"] < g["rows"]:
        return False
    f |= {"rows": g["rows"], "heads": 1, "inner": min(f["inner"], g["y_row_stride"])}
    f |= {f"x_{part}": g[f"y_{part}"] for part in PARTS}
    return True


def arrange(image: Image, jobs: list[Job], number: int, cleared: bool = False) -> Round:
    """Choose chains and doorbells of placed jobs, grants, and when to look or to clear."""
    rng, config = image.rng, image.config
    clear_after = None
    if cleared and _have_status(image, jobs):
        clear_after = int(np.exp(rng.uniform(0, np.log(1000 * len(jobs)))))
    doorbells = ring(jobs, config.engine.queue_depth)
    late = rng.random() < 0.2
    return Round(
        number=number,
        image=image,
        jobs=jobs,
        doorbells=doorbells,
        pauses=[int(rng.integers(0, 400)) if late else 0 for _ in doorbells],
        grants=random_grants(rng),
        look_at=int(rng.integers(1, len(jobs) + 1)),
        clear_after=clear_after,
    )


def _have_status(image: Image, jobs: list[Job]) -> bool:
    """Give every job a status word, which tells how far it came; return whether there was room."""
    try:
        for job in jobs:
            job.fields["status"] = job.fields["status"] or image.place(8)
    except Full:
        return False
    return True


class Course:
    """What memory holds after each of some jobs, by the model, and so what it may hold meanwhile.

    Parameters
    ----------
    config : ClusterConfig
    image : bytes
        Before the first job.
    jobs : list of Job

    Raises
    ------
    AssertionError
        When a job is faulty.
    """

    def __init__(self, config: ClusterConfig, image: bytes, jobs: list[Job]):
        self.jobs = jobs
        self.results: list[JobResult] = []
        self._after = [np.frombuffer(bytes(image), np.uint8)]
        memory = bytearray(image)
        for job in jobs:
            self.results.append(_run_one(config, memory, job))
            self._after.append(np.frombuffer(bytes(memory), np.uint8))

    @property
    def last(self) -> bytearray:
        """Memory when every job has ended."""
        return bytearray(self._after[-1].tobytes())

    @property
    def masks(self) -> list[int]:
        """Masks of the jobs' events."""
        return [result.event_mask for result in self.results]

    def check(self, got: bytes, done: int, what: str) -> None:
        """Fail when memory cannot look like this while `done` jobs have ended, the others not.

        Of what the others write any part may be there: each byte is as some of them, in their
        order, leave it. Scratch areas hold logits of any block. Status words are left out.
        """
        got_bytes = np.frombuffer(got, np.uint8)
        fits = np.zeros(len(got_bytes), bool)
        for after in self._after[done:]:
            fits |= got_bytes == after
        for job in self.jobs[done:]:
            fits |= areas(job).get("s", False)
        for job in self.jobs:
            if job.fields["status"]:
                fits[_status(job)] = True
        if not fits.all():
            at = int(np.flatnonzero(~fits)[0])
            raise AssertionError(
                f"{what}, {done} jobs ended: {(~fits).sum()} bytes are wrong, the first at "
                f"{at:#x}: {got[at]:#x}, not {self._after[done][at]:#x}{self._writer(at)}"
            )

    def _writer(self, at: int) -> str:
        """Return who writes a byte, for messages."""
        for number, job in reversed(list(enumerate(self.jobs))):
            for name, area in areas(job).items():
                if name in "ys" and area[at]:
                    return f", {name} of job {number}: {job.fields}"
        return ""

    def codes(self, got: bytes) -> list[int | None]:
        """Return the code in each job's status word; None where it has no such word."""
        return codes_of(self.jobs, got)

    def check_cleared(self, got: bytes, events: list[int], doorbells: list[int], what: str) -> int:
        """Check memory and events after a clear; return how many jobs were done.

        Of each doorbell's chain the first jobs ended, one at least: done ones first, then, of all
        later chains too, aborted ones. What a chain had left is dropped.
        """
        before = self.codes(self._after[0].tobytes())
        told, done, aborted, dropped = [], 0, 0, False
        for job, old, code in zip(self.jobs, before, self.codes(got), strict=True):
            starts = job.address in doorbells
            dropped = (dropped or code == old) and not starts
            if dropped:
                assert code == old, f"{what}: a job that its chain dropped has code {code}"
                continue
            told.append(job.fields["event_mask"])
            if code == Status.DONE:
                assert not aborted, f"{what}: a job is done, but one before it was aborted"
                done = len(told)
            else:
                assert code == Status.ABORTED, f"{what}: code {code}"
                aborted += 1
        assert events == told, f"{what}: events {events}, not {told}"
        self.check(got, done, what)
        return done


def codes_of(jobs: list[Job], got: bytes) -> list[int | None]:
    """Return the code in each job's status word; None where it has no such word."""
    return [
        STATUS_WORD.unpack(got[_status(job)])["code"] if job.fields["status"] else None
        for job in jobs
    ]


def _status(job: Job) -> slice:
    """Return where a job's status word lies in the image."""
    start = job.fields["status"] - TCDM_BASE
    return slice(start, start + STATUS_WORD.bytes)


def _run_one(config: ClusterConfig, memory: bytearray, job: Job) -> JobResult:
    """Run a job by the model, but not what follows it in its chain."""
    link = slice(job.offset + NEXT, job.offset + NEXT + 4)
    following, memory[link] = memory[link], bytes(4)
    (result,) = EngineModel(config).run(memory, job.address)
    memory[link] = following
    assert result.status == Status.DONE, f"a faulty job was placed: {result.status.name}"
    return result
