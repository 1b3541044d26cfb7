"""The whole engine in Amaranth's simulator; the long tests are in verif/block/attention."""

from dataclasses import dataclass

import numpy as np
import pytest

from hw.attention import pipeline
from hw.attention.control.completion import Completion
from hw.attention.datapath.epilogue import Epilogue
from hw.attention.datapath.requantise import Requantise
from hw.attention.engine import Engine
from hw.attention.norm.normalise import Normalise
from hw.attention.softmax import exponential
from hw.attention.softmax.row_maximum import RowMaximum
from hw.attention.streams.fence import WriteFence
from hw.attention.streams.gate import RowGate
from hw.attention.streams.loader import InputLoader
from hw.attention.streams.writer import Writer
from hw.attention.walk.sequencer import Sequencer
from hw.attention.walk.walker import Walker
from hw.config import TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import ElementType, Kind, ParamMode, Status
from hw.verilog import to_verilog
from verif.lib.configs import BETWEEN
from verif.lib.engine_chains import ring
from verif.lib.engine_hazards import Past
from verif.lib.engine_jobs import (
    GENERATORS,
    Full,
    Image,
    random_attention,
    random_elementwise,
    random_layernorm,
    random_linear,
)
from verif.lib.engine_modes import MODES
from verif.lib.engine_rounds import Course, random_layers
from verif.lib.engine_sim import EngineSim
from verif.lib.planted import plant


@pytest.mark.parametrize("config", [TINY, *BETWEEN.values()], ids=lambda config: config.name)
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name.lower())
def test_jobs_equal_the_model(config, kind):
    image = Image(config, np.random.default_rng(14))
    job = GENERATORS[kind](image, 20)
    sim = run_and_compare(image, [job])
    if where := job.fields["status"]:
        start = where - TCDM_BASE + 4
        taken = int.from_bytes(image.bytes[start : start + 4], "little")
        assert sim.cycle - 80 < taken < sim.cycle


def test_small_jobs_equal_the_model():
    """Sizes of 1 to 3: what is behind a row comes as soon as it can."""
    image = Image(TINY, np.random.default_rng(0))
    past = Past.of(image)
    jobs = [GENERATORS[kind](image, 2) for _ in range(4) for kind in Kind]
    for job in jobs:
        past.queue(job)
    run_and_compare(image, jobs)


def run_and_compare(image, jobs, grant=0.8):
    """Queue jobs; fail when memory is not the model's when each status is written or told."""
    doorbells = ring(jobs, image.config.engine.queue_depth)
    course = Course(image.config, bytes(image.bytes), jobs)
    sim = EngineSim(image.config, image.bytes, image.rng, grant)
    sim.watched = {job.fields["status"] - TCDM_BASE for job in jobs}
    offsets = (address - TCDM_BASE for address in doorbells)
    sim.run_jobs(*offsets, jobs=len(jobs), deadline=4000)
    assert [mask for _, mask in sim.events] == course.masks
    for ended, seen in enumerate(sim.seen, 1):
        course.check(seen, ended, "at an event")
        assert set(course.codes(seen)[:ended]) <= {None, Status.DONE}
    for ended, job in enumerate(jobs, 1):
        if where := job.fields["status"]:
            course.check(sim.written[where - TCDM_BASE], ended, "at a status word")
    return sim


def random_image(scenario, seed):
    """Return an image and the jobs that a scenario places there, the first that it likes."""
    rng = np.random.default_rng(seed)
    while True:
        image = Image(TINY, rng)
        try:
            jobs = scenario(image)
        except Full:
            continue
        if jobs:
            return image, jobs


def place(image, generator, largest=24, **mode):
    """Place a job in a mode with these properties, with the flags that it needs; return it."""
    kind = next(kind for kind, found in GENERATORS.items() if found is generator)
    modes = [m for m in MODES[kind] if all(getattr(m, name) == v for name, v in mode.items())]
    job = generator(image, largest, modes[int(image.rng.integers(len(modes)))])
    Past.of(image).queue(job)
    return job


def attention(image):
    """Several heads, each of several blocks, two of which are on their way at a time."""
    f = (job := place(image, random_attention)).fields
    several = f["heads"] > 1 and f["blocks"] == 2 and 1 < f["block_rows"] < 6 < f["rows"]
    return [job] if several and f["kv_length"] > 8 else None


def one_block(image):
    """Logits that come back as soon as they are written."""
    f = (job := place(image, random_attention)).fields
    alone = f["blocks"] == 1 and f["block_rows"] > 5 < f["rows"]
    return [job] if alone and 4 < f["kv_length"] <= f["columns"] <= 12 else None


def masked(image):
    """A causal mask that cuts through the tile."""
    f = (job := place(image, random_attention)).fields
    cut = f["mask_mode"] and f["rows"] > 5 and 0 <= f["mask_offset"] < 8 < f["kv_length"]
    return [job] if cut else None


def layers(image):
    """X of each job is Y of the job before."""
    jobs = random_layers(image, 4, 20)
    return jobs if len(jobs) == 4 else None


def columns(image):
    """Entries for each column, of several column tiles."""
    mode = {"entries": ParamMode.COLUMN, "y_type": ElementType.INT8, "join": "none"}
    f = (job := place(image, random_linear, 80, **mode)).fields
    return [job] if f["columns"] > 48 and 1 < f["rows"] and f["inner"] <= 16 else None


def residual(image):
    job = place(image, random_linear, join="residual", y_type=ElementType.INT8)
    return [job] if job.fields["rows"] > 3 else None


def layernorm(image):
    f = (job := place(image, random_layernorm, x_type=ElementType.INT16)).fields
    return [job] if f["rows"] > 3 and f["columns"] > 3 else None


def tables(image):
    """Two jobs with tables."""
    return [place(image, random_elementwise, table=True) for _ in range(2)]


def odd_inner(image):
    job = place(image, random_linear)
    return [job] if job.fields["inner"] % 16 > 8 else None


@dataclass(frozen=True)
class Bug:
    """Jobs that it makes go wrong, and what is replaced."""

    jobs: object
    owner: object
    name: str
    right: str
    wrong: str
    grant: float = 0.7


BUGS = {
    "softmax: one value of the exponential": Bug(
        attention,
        exponential,
        "_exponential",
        "in EXP2_TABLE",
        "in (*EXP2_TABLE[:-1], EXP2_TABLE[-1] + 1)",
    ),
    "softmax: masses are not started anew": Bug(
        attention,
        exponential.Exponential,
        "elaborate",
        "Mux(summed.first, 0, read.data)",
        "read.data",
    ),
    "softmax: step j of another block": Bug(
        attention, pipeline.Pipeline, "elaborate", "parameters.j[loader.turn]", "parameters.j[0]"
    ),
    "maximum: of the other block": Bug(
        attention, pipeline.Pipeline, "elaborate", "loader.turn[0]", "~loader.turn[0]"
    ),
    "maximum: is not started anew": Bug(
        attention, RowMaximum, "elaborate", "chosen.first | (largest", "(largest"
    ),
    "loader: a key too many is seen": Bug(
        masked,
        InputLoader,
        "_describe",
        "_clip(m, sight, -size, size)",
        "_clip(m, sight, -size, size - 1) + 1",
    ),
    "loader: takes lanes beyond the inner size": Bug(
        odd_inner, InputLoader, "_describe", "tile.most.eq(step.lanes)", "tile.most.eq(size)"
    ),
    "gate: opens a row early": Bug(
        one_block,
        RowGate,
        "elaborate",
        "self.gate.position + self.gate.by_row",
        "self.gate.position",
        0.3,
    ),
    "sequencer: WAIT_X is ignored": Bug(
        layers,
        Sequencer,
        "_base",
        'd[f"wait_{n}"]',
        'd[f"wait_{n}"] & (n != "x")',
    ),
    "sequencer: X that follows comes a row early": Bug(
        layers,
        Sequencer,
        "_linear",
        "self._start - self._rows",
        "self._start - self._rows - 1",
        0.3,
    ),
    "sequencer: scratch blocks do not take turns": Bug(
        attention, Sequencer, "elaborate", "scratch_turn.eq(~scratch_turn)", "scratch_turn.eq(0)"
    ),
    "fence: tells what is issued": Bug(
        layers, WriteFence, "elaborate", "self.done.eq(noted)", "self.done.eq(self.issued)", 0.3
    ),
    "walker: an input tile is kept too long": Bug(
        columns, Walker, "elaborate", "one_inner & ~last_column", "one_inner"
    ),
    "epilogue: entries are freed a row early": Bug(
        columns,
        Epilogue,
        "_prepare",
        "(self.step.ready & step.release & ~step.raw)",
        "(prepare & at_last_group & (row + 2 == step.rows) & step.release)",
        0.3,
    ),
    "epilogue: residual of the row before": Bug(
        residual,
        Epilogue,
        "elaborate",
        "element = self.residual.payload.values[lane]\n",
        "element = Signal(signed(32))\n"
        "        with m.If(taken):\n"
        "            m.d.sync += element.eq(self.residual.payload.values[lane])\n",
    ),
    "epilogue: the other table": Bug(
        tables,
        Epilogue,
        "elaborate",
        "activation.bank.eq(summed.place.table_bank)",
        "activation.bank.eq(~summed.place.table_bank)",
    ),
    "requantiser: clips one too low": Bug(
        columns, Requantise, "elaborate", "self.y.eq(high)", "self.y.eq(high - 1)"
    ),
    "normalise: statistics of the next row": Bug(
        layernorm,
        Normalise,
        "_banks",
        "row.row[: len(read.addr) - 1]",
        "(row.row + 1)[: len(read.addr) - 1]",
    ),
    "writer: strobes whole words": Bug(
        odd_inner,
        Writer,
        "_pack",
        "first_lanes(row_bytes, self._bytes) << inside",
        "Const(-1, self._bytes)",
    ),
    "completion: status before the last write": Bug(
        layers, Completion, "elaborate", "positions.o.valid & (ahead >= 0)", "positions.o.valid"
    ),
}

TRIES = 4
"""Random jobs until one must have gone wrong: that a bug shows takes the right values."""


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_a_planted_bug_is_found(bug, monkeypatch):
    """The comparison with the model can fail; the same jobs pass on the engine as it is."""
    with monkeypatch.context() as patch:
        plant(patch, bug.owner, bug.name, bug.right, bug.wrong)
        for seed in range(TRIES):
            try:
                run_and_compare(*random_image(bug.jobs, seed), bug.grant)
            except AssertionError:
                break
        else:
            pytest.fail(f"not found by {TRIES} random jobs")
    run_and_compare(*random_image(bug.jobs, seed), bug.grant)


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
