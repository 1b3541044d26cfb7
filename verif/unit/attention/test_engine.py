"""The whole engine in Amaranth's simulator; the long tests are in verif/block/attention."""

import numpy as np
import pytest
from amaranth.hdl import Const

from hw.attention.engine import Engine
from hw.attention.softmax.exponential import EXP2_TABLE
from hw.common.numeric import bounds
from hw.config import TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import Status
from hw.verilog import to_verilog
from sw_model.engine import EngineModel
from verif.lib.configs import BETWEEN
from verif.lib.engine_jobs import Image, random_attention, random_linear
from verif.lib.engine_sim import EngineSim


@pytest.mark.parametrize("config", [TINY, *BETWEEN.values()], ids=lambda config: config.name)
@pytest.mark.parametrize("kind", [random_linear, random_attention], ids=["linear", "attention"])
def test_jobs_equal_the_model(config, kind):
    run_and_compare(config, kind)


@pytest.mark.parametrize("kind", [random_linear, random_attention], ids=["linear", "attention"])
def test_small_jobs_equal_the_model(kind):
    """Sizes of 1 to 3: what is behind a row comes as soon as it can."""
    for seed in range(4):
        run_and_compare(TINY, kind, seed, largest=2)


def run_and_compare(config, kind, seed=14, largest=20):
    """Run a random job on the engine and on the model; fail when anything in memory differs."""
    rng = np.random.default_rng(seed)
    image = Image(config, rng)
    job = kind(image, largest)
    want = bytearray(image.bytes)
    (result,) = EngineModel(config).run(want, job.address)
    sim = EngineSim(config, image.bytes, rng, grant=0.8)
    sim.run_jobs(job.offset)
    assert [mask for _, mask in sim.events] == [result.event_mask]
    if result.status_address:
        start = result.status_address - TCDM_BASE + 4
        cycles = slice(start, start + 4)
        taken = int.from_bytes(image.bytes[cycles], "little")
        assert sim.cycle - 80 < taken < sim.cycle
        want[cycles] = image.bytes[cycles]
    assert image.bytes == want, job.fields


BUGS = {
    "softmax: one value of the exponential": (
        (random_attention, 9),
        "hw.attention.softmax.exponential.EXP2_TABLE",
        (*EXP2_TABLE[:-1], EXP2_TABLE[-1] + 1),
    ),
    "requantiser: clips one too low": (
        (random_linear, 14),
        "hw.attention.datapath.requantise.bounds",
        lambda shape: (bounds(shape)[0], bounds(shape)[1] - 1),
    ),
    "writer: strobes whole words": (
        (random_linear, 14),
        "hw.attention.streams.writer.first_lanes",
        lambda count, lanes: Const(-1, lanes),
    ),
    "loader: does not mask keys": (
        (random_attention, 1),
        "hw.attention.streams.loader.keys_in_sight",
        lambda m, mask, row, key, count: count,
    ),
    "loader: takes lanes beyond the inner size": (
        (random_linear, 14),
        "hw.attention.streams.loader.first_lanes",
        lambda count, lanes: Const(-1, lanes),
    ),
    "maximum: starts at 0": ((random_attention, 9), "hw.attention.softmax.row_maximum.NO_LOGIT", 0),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug, monkeypatch):
    """The comparison with the model can fail."""
    job, target, broken = BUGS[bug]
    monkeypatch.setattr(target, broken)
    with pytest.raises(AssertionError):
        run_and_compare(TINY, *job)


def test_a_bad_address_halts_until_a_clear():
    image = Image(TINY, np.random.default_rng(15))
    job = random_linear(image, 8)
    sim = EngineSim(TINY, image.bytes, np.random.default_rng(0))
    before = bytes(image.bytes)

    async def testbench(ctx):
        await sim.write(ctx, "doorbell", job.address + 8)
        await sim.write(ctx, "doorbell", job.address)
        for _ in range(100):
            await ctx.tick()
        assert await sim.read(ctx, "error") == Status.DESCRIPTOR_ADDRESS
        assert await sim.read(ctx, "error_address") == job.address + 8
        assert await sim.read(ctx, "state") & 3 == 3, "busy and halted"
        assert image.bytes == before and [mask for _, mask in sim.events] == [0xFFFFFFFF]
        await sim.write(ctx, "clear", 1)
        for _ in range(100):
            await ctx.tick()
        assert await sim.read(ctx, "state") & 3 == 0
        assert await sim.read(ctx, "jobs") == 2
        assert sim.events[1][1] == job.fields["event_mask"]

    sim.run(testbench)


@pytest.mark.parametrize(
    "preset", [TINY, pytest.param(PAPER, marks=pytest.mark.slow)], ids=lambda preset: preset.name
)
def test_converts(preset):
    text = to_verilog(Engine(config=preset), name="engine")
    assert "module engine" in text and "port__0__req__valid" in text
