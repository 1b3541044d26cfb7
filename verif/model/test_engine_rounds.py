"""Rounds of a campaign: that they repeat, and that the checks on memory and events can fail."""

import numpy as np
import pytest

from hw.config import TCDM_BASE
from hw.presets import TINY
from hw.regmap import STATUS_WORD, Kind, Status
from verif.lib.engine_chains import ring
from verif.lib.engine_hazards import areas
from verif.lib.engine_jobs import Image, random_copy, random_linear
from verif.lib.engine_rounds import Course, random_rounds
from verif.lib.engine_words import Words, words_of


@pytest.fixture
def image():
    return Image(TINY, np.random.default_rng(3))


def jobs_with_status(image, count):
    """Place jobs that do not depend on one another, one doorbell each."""
    jobs = [random_linear(image, 12) for _ in range(count)]
    for job in jobs:
        job.fields["status"] = job.fields["status"] or image.place(8)
        job.store()
    return jobs


def told(memory, codes):
    """Return memory with these codes in the jobs' status words."""
    memory = bytearray(memory)
    for job, code in codes:
        start = job.fields["status"] - TCDM_BASE
        memory[start : start + STATUS_WORD.bytes] = STATUS_WORD.pack(code=code, cycles=7)
    return bytes(memory)


def test_rounds_repeat():
    one, other = (list(random_rounds(TINY, 5, 60)) for _ in range(2))
    assert [str(play) for play in one] == [str(play) for play in other]
    assert all(a.image.bytes == b.image.bytes for a, b in zip(one, other, strict=True))
    assert sum(len(play.jobs) for play in one) >= 60


def test_memory_must_be_what_some_of_the_jobs_leave(image):
    jobs = jobs_with_status(image, 2)
    before = bytes(image.bytes)
    course = Course(TINY, before, jobs)
    course.check(before, 0, "at the start")
    course.check(bytes(course.last), 0, "ahead of the events")
    course.check(bytes(course.last), 2, "at the end")
    with pytest.raises(AssertionError, match="bytes are wrong"):
        course.check(before, 1, "too early an event")
    stray = bytearray(before)
    stray[-1] ^= 1
    with pytest.raises(AssertionError, match="bytes are wrong"):
        course.check(bytes(stray), 0, "a stray write")
    # Of the second job's result a part may be there, but no other values.
    half = np.frombuffer(course.last, np.uint8).copy()
    second = np.flatnonzero(areas(jobs[1])["y"])
    original = np.frombuffer(before, np.uint8)
    half[second[::2]] = original[second[::2]]
    course.check(half.tobytes(), 1, "in the middle")
    right = {int(original[second[0]]), course.last[second[0]]}
    half[second[0]] = next(value for value in range(3) if value not in right)
    with pytest.raises(AssertionError, match="y of job 1"):
        course.check(half.tobytes(), 1, "in the middle")


def test_a_clear_leaves_done_jobs_then_aborted_ones(image):
    jobs = jobs_with_status(image, 3)
    doorbells = [job.address for job in jobs]
    course = Course(TINY, bytes(image.bytes), jobs)
    done, aborted = Status.DONE, Status.ABORTED
    memory = bytes(Course(TINY, bytes(image.bytes), jobs[:1]).last)
    cleared = told(memory, zip(jobs, (done, aborted, aborted), strict=True))
    assert course.check_cleared(cleared, course.masks, doorbells, "clear") == 1
    for codes in ((aborted, done, aborted), (done, aborted, Status.PENDING)):
        with pytest.raises(AssertionError):
            course.check_cleared(
                told(memory, zip(jobs, codes, strict=True)), course.masks, doorbells, "clear"
            )
    with pytest.raises(AssertionError, match="events"):
        course.check_cleared(cleared, course.masks[:2], doorbells, "clear")
    with pytest.raises(AssertionError, match="bytes are wrong"):
        course.check_cleared(
            told(image.bytes, zip(jobs, (done, aborted, aborted), strict=True)),
            course.masks,
            doorbells,
            "clear",
        )


def test_a_clear_drops_the_rest_of_a_chain_only(image):
    jobs = jobs_with_status(image, 3)
    doorbells = ring(jobs, 1)
    course = Course(TINY, bytes(image.bytes), jobs)
    cleared = told(image.bytes, [(jobs[0], Status.ABORTED)])
    assert course.check_cleared(cleared, course.masks[:1], doorbells, "clear") == 0
    revived = told(image.bytes, [(jobs[0], Status.ABORTED), (jobs[2], Status.ABORTED)])
    with pytest.raises(AssertionError, match="dropped"):
        course.check_cleared(revived, course.masks[:1], doorbells, "clear")


def test_words_of_a_copy(image):
    job = random_copy(image, 20)
    job.fields |= {"x_type": 0, "y_type": 0, "rows": 3, "columns": 17, "heads": 2, "status": 8}
    assert job.fields["kind"] == Kind.COPY
    # Rows are read whole, and written in groups of four bytes.
    assert words_of(TINY, job.fields) == Words(16 + 2 * 3 * 3, 1 + 2 * 3 * 5)
