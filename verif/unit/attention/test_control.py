"""The life of jobs, with a pipeline that only waits."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.attention.control.control import Control
from hw.config import TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import DESCRIPTOR, HEAD_PARAMETER, Status
from hw.verilog import to_verilog
from verif.lib.engine_jobs import Image, put_head, random_attention, random_linear

RUN_CYCLES = 20


class Stub:
    """A pipeline that reads and writes memory for the control, and takes its time for jobs."""

    def __init__(self, image, seed=0):
        self.dut = Control(config=TINY)
        self.image = image
        self.events, self.started, self.log = [], [], []
        self.statuses = {}
        self._rng = np.random.default_rng(seed)

    async def _surroundings(self, ctx):
        dut = self.dut
        answers, running, writing, quiet_in = [], 0, 0, 0
        while True:
            ready = self._rng.random() < 0.7
            ctx.set(dut.command.ready, ready)
            answered = bool(answers) and self._rng.random() < 0.7
            ctx.set(dut.row.valid, answered)
            if answered:
                ctx.set(dut.row.data, int.from_bytes(answers.pop(0), "little"))
            ctx.set(dut.done, running == 1)
            ctx.set(dut.word.ready, 1)
            ctx.set(dut.written, writing == 0)
            ctx.set(dut.quiet, quiet_in == 0)
            command, word = dut.command, dut.word
            values = await ctx.tick().sample(
                command.valid,
                command.payload.word,
                dut.start,
                dut.reset,
                word.valid,
                word.payload.word,
                word.payload.data,
                word.payload.strobe,
                dut.event.valid,
                dut.event.mask,
                dut.descriptor,
            )
            asked, address, start, reset, write, place, data, strobe, told, mask, raw = values[2:]
            running, writing = max(running - 1, 0), max(writing - 1, 0)
            quiet_in = max(quiet_in - 1, 0) if reset else 3
            if asked and ready:
                answers.append(self.image.bytes[8 * address : 8 * address + 16])
            if start:
                assert running == 0
                running = RUN_CYCLES
                self.started.append(raw.to_bytes(DESCRIPTOR.bytes, "little"))
            if reset:
                running = 0
                answers.clear()
            if write:
                assert strobe == 0xFF and running == 0 and writing == 0
                writing = 4
                self.statuses[TCDM_BASE + 8 * place] = Status(data & 0xFFFFFFFF)
            if told:
                assert writing == 0, "the event came before the status word was written"
                self.events.append(mask)

    async def ring(self, ctx, address):
        ctx.set(self.dut.doorbell_data, address)
        ctx.set(self.dut.doorbell, 1)
        await ctx.tick()
        ctx.set(self.dut.doorbell, 0)

    async def clear(self, ctx):
        ctx.set(self.dut.clear, 1)
        await ctx.tick()
        ctx.set(self.dut.clear, 0)

    async def settle(self, ctx, cycles=2000):
        """Wait until nothing runs and waits; return the cycles that took."""
        for cycle in range(cycles):
            if not ctx.get(self.dut.busy):
                return cycle
            await ctx.tick()
        raise AssertionError(f"busy for {cycles} cycles")

    def run(self, testbench):
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._surroundings, background=True)
        simulator.add_testbench(testbench)
        simulator.run()


def place_jobs(seed, kinds):
    """Return an image with jobs that all have a status word, not chained."""
    image = Image(TINY, np.random.default_rng(seed))
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


def test_full_queue():
    image, jobs = place_jobs(2, [random_linear] * 6)
    stub = Stub(image)
    depth = TINY.engine.queue_depth

    async def testbench(ctx):
        for n, job in enumerate(jobs[: depth + 1]):
            await stub.ring(ctx, job.address)
            if n == 0:
                await ctx.tick().repeat(3)
        assert ctx.get(stub.dut.free) == 0 and not ctx.get(stub.dut.overflow)
        await stub.ring(ctx, jobs[-1].address)
        assert ctx.get(stub.dut.overflow)
        await stub.settle(ctx)
        assert stub.events == [1, 2, 4, 8, 16] and ctx.get(stub.dut.free) == depth
        await stub.clear(ctx)
        assert not ctx.get(stub.dut.overflow)

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


@pytest.mark.parametrize("kind", [random_linear, random_attention], ids=["linear", "attention"])
def test_clear_at_every_cycle(kind):
    """Of a running job with a chain behind it and a doorbell that waits."""
    image, jobs = place_jobs(4, [kind, random_linear, random_linear, random_linear])
    running, chained, waiting, after = jobs
    running.fields["next"] = chained.address
    running.store()
    stub = Stub(image)
    seen = set()

    async def testbench(ctx):
        for wait in range(1, 130):
            stub.events.clear()
            stub.statuses.clear()
            before = ctx.get(stub.dut.jobs)
            await stub.ring(ctx, running.address)
            await stub.ring(ctx, waiting.address)
            await ctx.tick().repeat(wait)
            chain_went_on = bool(stub.events)
            await stub.clear(ctx)
            await stub.ring(ctx, after.address)  # belongs to the time after the clear
            await stub.settle(ctx, 400)
            codes = [stub.statuses.get(job.fields["status"]) for job in jobs]
            assert codes[2:] == [Status.ABORTED, Status.DONE]
            if chain_went_on:
                assert codes[0] == Status.DONE and stub.events == [1, 2, 4, 8]
            else:
                assert codes[1] is None and stub.events == [1, 4, 8]
            assert not ctx.get(stub.dut.halted) and ctx.get(stub.dut.error) == 0
            assert ctx.get(stub.dut.jobs) == before + len(stub.events)
            seen.add(tuple(codes[:2]))

    stub.run(testbench)
    assert seen == {
        (Status.ABORTED, None),
        (Status.DONE, None),  # the clear came after the last write
        (Status.DONE, Status.ABORTED),
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


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module control" in to_verilog(Control(config=preset), name="control")
