"""Queues of random jobs: their flags suffice on hardware that fetches early, and cover all."""

import numpy as np
import pytest

from hw.config import TCDM_BASE
from hw.presets import TINY
from hw.regmap import Kind, Status
from sw_model.engine import EngineModel
from sw_model.engine.attention import head_parameters_good
from sw_model.engine.model import EXECUTORS
from verif.lib.engine_chains import random_queue, ring
from verif.lib.engine_coverage import Coverage
from verif.lib.engine_hazards import areas, flags_that_order, writes_overlap
from verif.lib.engine_jobs import Full, Image, from_deck, random_linear
from verif.lib.engine_modes import MODES, Deck

MODEL = EngineModel(TINY)


def queues(count, seed=0, **options):
    """Yield (image, jobs) of random queues."""
    for n in range(count):
        image = Image(TINY, np.random.default_rng((seed, n)))
        yield image, random_queue(image, 6, **options)


def result_of(job, memory):
    """Return the bytes of Y after a job ran on a copy of the memory; None when it is faulty."""
    memory = bytearray(memory)
    if job.fields["kind"] == Kind.ATTENTION and not head_parameters_good(memory, job.fields):
        return None
    EXECUTORS[job.fields["kind"]](memory, job.fields)
    return np.frombuffer(memory, np.uint8)[areas(job)["y"]]


def fetched_early(job, memory, written):
    """Return the memory as a job may see it: only flagged operands have what jobs before wrote."""
    seen = np.frombuffer(bytearray(memory), np.uint8)
    waited = np.zeros(len(seen), bool)
    for name, area in areas(job).items():
        if name in "xwrp" and job.fields[f"wait_{name}"]:
            waited |= area
    stale = written & ~waited
    seen[stale] ^= 0x55
    return seen.tobytes()


def is_safe(jobs, image):
    """Run jobs; whether each gives the same on memory as early fetches see it."""
    memory, written = bytearray(image.bytes), np.zeros(len(image.bytes), bool)
    safe = []
    for job in jobs:
        early = result_of(job, fetched_early(job, memory, written))
        safe.append(np.array_equal(early, result_of(job, memory)))
        EXECUTORS[job.fields["kind"]](memory, job.fields)
        for name, area in areas(job).items():
            if name in "ys":
                written |= area
    return safe


def test_the_flags_suffice():
    needed = 0
    for image, jobs in queues(40):
        assert all(is_safe(jobs, image))
        needed += sum(len(job.needs) for job in jobs)
    assert needed > 60


def test_without_its_flag_a_job_goes_wrong():
    """The test above can fail: of most needed flags the result tells when it is missing."""
    wrong = tried = 0
    for image, jobs in queues(40):
        for n, job in enumerate(jobs):
            for name in job.needs:
                job.fields[f"wait_{name}"] = 0
                wrong += not is_safe(jobs, image)[n]
                job.fields[f"wait_{name}"] = 1
                tried += 1
    assert wrong > 0.5 * tried


def test_jobs_that_write_the_same_bytes_have_a_wait_between_them():
    pairs = 0
    for _, jobs in queues(80, linked=0.9):
        written = [areas(job)["y"] | areas(job).get("s", False) for job in jobs]
        for late, job in enumerate(jobs):
            assert not writes_overlap(job)
            for early in range(late):
                if (written[late] & written[early]).any():
                    pairs += 1
                    between = jobs[early + 1 : late + 1]
                    assert any(
                        other.fields[f"wait_{name}"]
                        for other in between
                        for name in flags_that_order(other.fields)
                    )
    assert pairs > 25


def test_unlinked_jobs_need_no_flags():
    for _, jobs in queues(10, linked=0):
        assert not any(job.needs or job.covers for job in jobs)


@pytest.mark.parametrize("most", [1, 2, 4])
def test_chains_and_doorbells_run_every_job_in_order(most):
    for image, jobs in queues(10, seed=most):
        addresses = []
        doorbells = ring(jobs, most)
        assert len(doorbells) <= most
        for doorbell in doorbells:
            results = MODEL.run(image.bytes, doorbell)
            assert all(result.status == Status.DONE for result in results)
            addresses += [result.address for result in results]
        assert addresses == [job.address for job in jobs]


def test_status_words_tell_that_all_is_done():
    for image, jobs in queues(5, seed=9):
        for doorbell in ring(jobs, 4):
            MODEL.run(image.bytes, doorbell)
        for job in jobs:
            if where := job.fields["status"]:
                offset = where - TCDM_BASE
                assert image.bytes[offset : offset + 8] == bytes([Status.DONE, *bytes(7)])


def test_a_deck_deals_every_mode():
    deck = Deck(np.random.default_rng(0))
    for kind in Kind:
        dealt = [deck.deal(kind) for _ in range(4 * len(MODES[kind]))]
        assert set(dealt) == set(MODES[kind])
    mode = deck.deal(Kind.LINEAR)
    deck.put_back(Kind.LINEAR, mode)
    assert deck.deal(Kind.LINEAR) == mode


def run_campaign(coverage, jobs, seed):
    rng = np.random.default_rng(seed)
    place, done = from_deck(rng, 40), 0
    while done < jobs:
        image = Image(TINY, rng)
        try:
            queue = random_queue(image, int(rng.integers(1, 7)), place)
        except Full:
            continue
        ring(queue, 4)
        coverage.add(queue)
        done += len(queue)


def test_two_thousand_jobs_cover_everything():
    coverage = Coverage(TINY)
    run_campaign(coverage, 2000, seed=0)
    assert not coverage.missing(), coverage.report()
    for point, counts in coverage.counts.items():
        assert set(counts) <= set(coverage.bins[point]), f"{point}: bins nobody named"


def test_what_is_not_covered_is_named():
    coverage = Coverage(TINY)
    image = Image(TINY, np.random.default_rng(0))
    coverage.add([random_linear(image) for _ in range(3)])
    missing = coverage.missing()
    assert any(line.startswith("copy: ") for line in missing)
    assert not any(line == "linear: start: first" for line in missing)
    last = coverage.report().splitlines()[-1]
    bins = sum(len(names) for names in coverage.bins.values())
    assert last == f"{bins - len(missing)} of {bins} bins hit"
    other = Coverage(TINY)
    other.merge(coverage.counts)
    assert other.missing() == missing
