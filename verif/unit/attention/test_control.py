"""The life of jobs, with a pipeline that only waits."""

import numpy as np
import pytest

from hw.attention.control.completion import JOBS_INSIDE
from hw.attention.control.control import Control
from hw.config import TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import DESCRIPTOR, HEAD_PARAMETER, Status
from hw.verilog import to_verilog
from verif.lib.configs import BETWEEN
from verif.lib.control_stub import Stub
from verif.lib.engine_jobs import Image, put_head, random_attention, random_linear


def place_jobs(seed, kinds, config=TINY):
    """Return an image with jobs that all have a status word, not chained."""
    image = Image(config, np.random.default_rng(seed))
    jobs = [kind(image, 12) for kind in kinds]
    for n, job in enumerate(jobs):
        job.fields |= {"status": image.place(8), "event_mask": 1 << n}
        job.store()
    return image, jobs


def raw_of(job):
    return bytes(job.image.bytes[job.offset : job.offset + DESCRIPTOR.bytes])


def test_doorbells_and_chains_in_order():
    image, jobs = place_jobs(1, [random_linear, random_attention, random_linear, random_linear])
    jobs[0].fields["next"] = jobs[1].address
    jobs[0].store()
    stub = Stub(image)

    async def testbench(ctx):
        for job in (jobs[0], jobs[2], jobs[3]):
            await stub.ring(ctx, job.address)
        await stub.settle(ctx)
        assert stub.started == [raw_of(job) for job in jobs]
        assert stub.events == [1, 2, 4, 8]
        assert set(stub.statuses.values()) == {Status.DONE} and len(stub.statuses) == 4
        assert ctx.get(stub.dut.jobs) == 4 and not ctx.get(stub.dut.halted)

    stub.run(testbench)


def test_jobs_overlap():
    """The next job is there when the one before has been cut, long before that has ended."""
    image, jobs = place_jobs(8, [random_linear] * 3)
    for job, following in zip(jobs, jobs[1:], strict=False):
        job.fields["next"] = following.address
        job.store()
    stub = Stub(image, cut=60, work=400, chance=1.0)

    async def testbench(ctx):
        await stub.ring(ctx, jobs[0].address)
        for _ in range(400):
            await ctx.tick()
        assert len(stub.started) == 3 and stub.events == []
        await stub.settle(ctx)
        assert stub.events == [1, 2, 4]

    stub.run(testbench)


def test_a_job_waits_when_too_many_are_inside():
    image, jobs = place_jobs(9, [random_linear] * (JOBS_INSIDE + 1))
    for job, following in zip(jobs, jobs[1:], strict=False):
        job.fields["next"] = following.address
        job.store()
    stub = Stub(image, work=2000, chance=1.0)

    async def testbench(ctx):
        await stub.ring(ctx, jobs[0].address)
        await ctx.tick().repeat(600)
        assert len(stub.started) == JOBS_INSIDE and stub.events == []
        await stub.settle(ctx, 5000)
        assert len(stub.events) == JOBS_INSIDE + 1

    stub.run(testbench)


def test_full_queue():
    image, jobs = place_jobs(2, [random_linear] * 6)
    stub = Stub(image)
    stub.hold = True
    depth = TINY.engine.queue_depth

    async def testbench(ctx):
        for n, job in enumerate(jobs[: depth + 1]):
            await stub.ring(ctx, job.address)
            if n == 0:
                await ctx.tick().repeat(3)
        assert ctx.get(stub.dut.free) == 0 and not ctx.get(stub.dut.overflow)
        await stub.ring(ctx, jobs[-1].address)
        assert ctx.get(stub.dut.overflow)
        stub.hold = False
        await stub.settle(ctx)
        assert stub.events == [1, 2, 4, 8, 16] and ctx.get(stub.dut.free) == depth
        await stub.clear(ctx)
        assert not ctx.get(stub.dut.overflow)

    stub.run(testbench)


def random_chains(rng, image):
    """Return addresses for doorbells, and events, status words and good descriptors expected.

    Up to three jobs to a chain, three chains; a fault ends all.
    """
    doorbells, events, statuses, good = [], [], {}, []
    faulty = False
    for chain in range(3):
        kinds = [(random_linear, random_attention)[int(rng.integers(2))] for _ in range(3)]
        jobs = [kind(image, 12) for kind in kinds[: int(rng.integers(1, 4))]]
        broken = int(rng.integers(len(jobs))) if rng.random() < 0.3 else None
        for n, job in enumerate(jobs):
            job.fields |= {"event_mask": 16 * chain + n + 1}
            job.fields["next"] = jobs[n + 1].address if n + 1 < len(jobs) else 0
            job.fields["status"] = image.place(8) if rng.random() < 0.7 else 0
            if n == broken:
                job.fields["rows"] = 0
            job.store()
            if not faulty:
                faulty = n == broken
                events.append(job.fields["event_mask"])
                if job.fields["status"]:
                    code = Status.ZERO_SIZE if faulty else Status.DONE
                    statuses[job.fields["status"]] = code
                if not faulty:
                    good.append(raw_of(job))
        doorbells.append(jobs[0].address)
    return doorbells, events, statuses, good


@pytest.mark.parametrize("seed", range(6))
def test_random_chains(seed):
    rng = np.random.default_rng(seed)
    image = Image(TINY, rng)
    doorbells, events, statuses, good = random_chains(rng, image)
    cut, work = int(rng.integers(2, 80)), int(rng.integers(1, 200))
    chance = float(rng.choice((0.3, 0.7, 1.0)))
    stub = Stub(image, cut=cut, work=work, chance=chance, seed=seed, position=(1 << 24) - 9)

    async def testbench(ctx):
        for address in doorbells:
            await stub.ring(ctx, address)
            await ctx.tick().repeat(int(rng.integers(1, 60)))
        for _ in range(5000):
            if len(stub.events) == len(events):
                break
            await ctx.tick()
        await ctx.tick().repeat(300)  # nothing more comes
        assert (stub.events, stub.statuses, stub.started) == (events, statuses, good)
        assert ctx.get(stub.dut.jobs) == len(events)
        assert ctx.get(stub.dut.halted) == (len(good) < len(events))

    stub.run(testbench)


def test_an_early_end_is_noticed():
    """The stub's own check: a fence that runs ahead is found out."""
    image, (job,) = place_jobs(13, [random_linear])
    stub = Stub(image, lie=50)

    async def testbench(ctx):
        await stub.ring(ctx, job.address)
        await stub.settle(ctx)

    with pytest.raises(AssertionError, match="done before its writes were performed"):
        stub.run(testbench)


@pytest.mark.parametrize("unreadable", [False, True])
def test_a_fault_waits_for_the_jobs_before(unreadable):
    """It is told when they have ended; then the engine halts until a clear."""
    image, jobs = place_jobs(10, [random_linear] * 4)
    good, bad, chained, later = jobs
    good.fields["next"] = bad.address + 4 * unreadable
    bad.fields |= {"next": chained.address, "version": 3}
    good.store()
    bad.store()
    stub = Stub(image, work=150)
    code = Status.DESCRIPTOR_ADDRESS if unreadable else Status.BAD_VERSION
    mask = 0xFFFFFFFF if unreadable else 2

    async def testbench(ctx):
        await stub.ring(ctx, good.address)
        await stub.ring(ctx, later.address)
        await ctx.tick().repeat(100)
        assert stub.events == [] and not ctx.get(stub.dut.halted)
        await ctx.tick().repeat(400)
        assert stub.events == [1, mask]
        assert ctx.get(stub.dut.halted) and ctx.get(stub.dut.busy), "a doorbell waits"
        assert ctx.get(stub.dut.error) == code
        assert ctx.get(stub.dut.error_address) == good.fields["next"]
        want = {good.fields["status"]: Status.DONE}
        if not unreadable:
            want[bad.fields["status"]] = Status.BAD_VERSION
        assert stub.statuses == want
        await stub.clear(ctx)
        assert not ctx.get(stub.dut.halted) and ctx.get(stub.dut.error) == 0
        await stub.settle(ctx)
        assert stub.events == [1, mask, 8]
        assert stub.statuses[later.fields["status"]] == Status.ABORTED
        await stub.ring(ctx, later.address)
        await stub.settle(ctx)
        assert stub.statuses[later.fields["status"]] == Status.DONE

    stub.run(testbench)


def test_steps_of_heads_wait_for_earlier_jobs():
    """With wait_p they are read when the jobs before have ended, else at once."""
    image, (first, second) = place_jobs(11, [random_linear, random_attention])
    first.fields["next"] = second.address

    for wait_p in (0, 1):
        second.fields["wait_p"] = wait_p
        first.store()
        second.store()
        put_head(second, 0, j=7)
        stub = Stub(image, work=200)

        async def testbench(ctx, stub=stub):
            await stub.ring(ctx, first.address)
            while stub.events != [1]:
                await ctx.tick()
            put_head(second, 0, j=1)
            await stub.settle(ctx)

        stub.run(testbench)
        want = Status.DONE if wait_p else Status.BAD_PARAMETER
        assert stub.statuses[second.fields["status"]] == want


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_from_doorbell_to_job(preset):
    """The start of the first job and the end of the last one are in every measurement."""
    image, (job,) = place_jobs(12, [random_linear], preset)
    job.fields |= {"use_table": 0, "use_residual": 0, "accumulate": 0}
    job.store()
    stub = Stub(image, chance=1.0)

    async def testbench(ctx):
        for n in range(2):
            start = stub.now
            await stub.ring(ctx, job.address)
            while len(stub.started) == n:
                await ctx.tick()
            taken = stub.now - 1 - start
            assert taken <= (16 if preset is PAPER else 22)
            while len(stub.events) == n:
                await ctx.tick()
            performed = taken + stub.cut + stub.work + 4
            assert stub.ended_at[-1] - start <= performed + 8
            cycles = stub.cycles[job.fields["status"]]
            assert 0 <= stub.ended_at[-1] - start - cycles <= 7
            await stub.settle(ctx)

    stub.run(testbench)


@pytest.mark.parametrize("head", [0, 1, 2])
@pytest.mark.parametrize("j", [0, 6, 7])
def test_every_head_is_looked_at(head, j):
    image, (job, later) = place_jobs(3, [random_attention, random_linear])
    job.fields |= {"heads": 3, "next": later.address, "param_base": image.place(72)}
    for n in range(3):
        job.fields |= {f"{o}_head_stride": 0 for o in "xwrys"}
        put_head(job, n, j=j if n == head else 1)
    job.store()
    assert HEAD_PARAMETER.bytes == 24
    stub = Stub(image)

    async def testbench(ctx):
        await stub.ring(ctx, job.address)
        await stub.settle(ctx)
        assert stub.statuses == {job.fields["status"]: Status.BAD_PARAMETER}
        assert stub.started == [] and stub.events == [1]
        assert ctx.get(stub.dut.halted) and ctx.get(stub.dut.error) == Status.BAD_PARAMETER
        assert ctx.get(stub.dut.error_address) == job.address

    stub.run(testbench)


@pytest.mark.parametrize(
    "kind, step", [(random_linear, 1), (random_attention, 3)], ids=["linear", "attention"]
)
def test_clear_at_every_cycle(kind, step):
    """Of a running job with a chain behind it and a doorbell that waits."""
    image, jobs = place_jobs(4, [kind, random_linear, random_linear, random_linear])
    running, chained, waiting, after = jobs
    running.fields["next"] = chained.address
    running.store()
    stub = Stub(image)
    seen = set()

    async def testbench(ctx):
        for wait in range(1, 180, step):
            stub.events.clear()
            stub.statuses.clear()
            before = ctx.get(stub.dut.jobs)
            await stub.ring(ctx, running.address)
            await stub.ring(ctx, waiting.address)
            await ctx.tick().repeat(wait)
            await stub.clear(ctx)
            await stub.ring(ctx, after.address)  # belongs to the time after the clear
            await stub.settle(ctx, 400)
            codes = [stub.statuses.get(job.fields["status"]) for job in jobs]
            assert stub.events == [1 << n for n, code in enumerate(codes) if code is not None]
            assert None not in (codes[0], codes[2]) and codes[3] == Status.DONE
            ran = [code == Status.DONE for code in codes[:3] if code is not None]
            assert ran == sorted(ran, reverse=True), "an aborted job is not followed by a good one"
            assert not ctx.get(stub.dut.halted) and ctx.get(stub.dut.error) == 0
            assert ctx.get(stub.dut.jobs) == before + len(stub.events)
            seen.add(tuple(codes[:3]))

    stub.run(testbench)
    done, aborted = Status.DONE, Status.ABORTED
    assert seen == {
        (aborted, None, aborted),  # the rest of the chain was not begun yet
        (aborted, aborted, aborted),
        (done, aborted, aborted),
        (done, done, aborted),
        (done, done, done),  # the clear came after the last write
    }


@pytest.mark.parametrize("address", [4, TCDM_BASE - 8, TCDM_BASE + 4, TCDM_BASE + TINY.tcdm.bytes])
def test_no_word_at_a_bad_status_address(address):
    image, (job,) = place_jobs(7, [random_linear])
    job.fields["status"] = address
    job.store()
    stub = Stub(image)

    async def testbench(ctx):
        await stub.ring(ctx, job.address)
        await stub.settle(ctx)
        assert stub.statuses == {} and stub.started == [] and stub.events == [1]
        assert ctx.get(stub.dut.error) == Status.STATUS_ADDRESS

    stub.run(testbench)


def test_a_chain_without_end():
    """A job that names itself as the next one runs until a clear; then others are served."""
    image, (endless, waiting, after) = place_jobs(5, [random_linear] * 3)
    endless.fields["next"] = endless.address
    endless.store()
    stub = Stub(image)

    async def testbench(ctx):
        for wait in range(400, 520, 17):
            stub.events.clear()
            await stub.ring(ctx, endless.address)
            await stub.ring(ctx, waiting.address)
            await ctx.tick().repeat(wait)
            assert stub.events == [1] * len(stub.events) and len(stub.events) >= 2
            await stub.clear(ctx)
            await stub.settle(ctx, 400)
            assert (
                stub.events[-1] == 2 and stub.statuses[waiting.fields["status"]] == Status.ABORTED
            )
        await stub.ring(ctx, after.address)
        await stub.settle(ctx)
        assert stub.statuses[after.fields["status"]] == Status.DONE

    stub.run(testbench)


def test_clears_in_a_row():
    """Doorbells between clears, after a fault too: each gets its one event, in order."""
    image, (bad, *jobs) = place_jobs(6, [random_linear] * 5)
    bad.fields["version"] = 0
    bad.store()
    depth = TINY.engine.queue_depth

    stub = Stub(image)
    rng = np.random.default_rng(6)

    async def testbench(ctx):
        for _ in range(30):
            stub.events.clear()
            rung = []
            for job in (bad, *rng.permutation(jobs)):
                while ctx.get(stub.dut.free) == 0:
                    await stub.clear(ctx)
                await stub.ring(ctx, job.address)
                rung.append(job.fields["event_mask"])
                await ctx.tick().repeat(int(rng.integers(1, 90)))
                for _ in range(int(rng.integers(0, 3))):
                    await stub.clear(ctx)
            await stub.clear(ctx)
            await stub.settle(ctx)
            assert stub.events == rung
            assert ctx.get(stub.dut.free) == depth
            assert not ctx.get(stub.dut.halted) and ctx.get(stub.dut.error) == 0

    stub.run(testbench)


@pytest.mark.parametrize("preset", [TINY, PAPER, *BETWEEN.values()], ids=lambda c: c.name)
def test_converts(preset):
    assert "module control" in to_verilog(Control(config=preset), name="control")
