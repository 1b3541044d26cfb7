import numpy as np
import pytest

from hw.attention.datapath.issue import Issue
from hw.config import ClusterConfig, EngineConfig
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.streams import Item, receive, send, simulate

ONE_GROUP = ClusterConfig(engine=EngineConfig(units=16, lanes=16))


@pytest.mark.parametrize("config", [TINY, ONE_GROUP], ids=["tiny", "one_group"])
@pytest.mark.parametrize("chance", [1, 0.5])
def test_walks_groups_and_rows(config, chance):
    """Every row of every group in order, never before its row, weights or token are there."""
    engine = config.engine
    dut = Issue(config=config)
    rng = np.random.default_rng(4)
    steps = [
        {
            "rows": int(rng.integers(1, 17)),
            "columns": int(rng.integers(1, 17)),
            "first": int(rng.integers(0, 2)),
            "last": int(rng.integers(0, 2)),
            "unsigned": int(rng.integers(0, 2)),
        }
        for _ in range(12)
    ]
    tiles = [rng.integers(0, 256, (16, engine.lanes), dtype=np.uint8) for _ in steps]
    want = []
    for step, tile in zip(steps, tiles, strict=True):
        for group in range(-(-step["columns"] // engine.units)):
            for row in range(step["rows"]):
                x = tile[row] if step["unsigned"] else tile[row].astype(np.int8)
                flags = (step["first"], step["last"])
                want.append((row, group, *flags, [int(v) for v in x]))
    state = {"tile": 0, "filled": 0, "swaps": 0, "tokens": 0}
    ended = []

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, chance)

    async def surroundings(ctx):
        """The tile buffer, the weight registers and the parameter unit."""
        while not ended:
            full, token = rng.random() < chance, rng.random() < chance
            rows = steps[state["tile"]]["rows"] if state["tile"] < len(steps) else 0
            if state["filled"] < rows and rng.random() < chance:
                state["filled"] += 1
            ctx.set(dut.filled, state["filled"])
            ctx.set(dut.full, full)
            ctx.set(dut.token, token)
            *_, enable, row, swap, take, release = await ctx.tick().sample(
                dut.enable, dut.row, dut.swap, dut.token_take, dut.release
            )
            assert full or not swap
            assert token or not take
            state["swaps"] += swap
            state["tokens"] += take
            if enable:
                assert row < state["filled"]
                data = tiles[state["tile"]][row].tobytes()
                ctx.set(dut.data, int.from_bytes(data, "little"))
            if release:
                state["tile"] += 1
                state["filled"] = 0

    async def taker(ctx):
        for got, item in zip(await receive(ctx, dut.o, len(want), rng, chance), want, strict=True):
            step = got.step
            x = [got.x[lane] for lane in range(engine.lanes)]
            assert (step.row, step.group, step.first, step.last, x) == item
        ended.append(True)

    cycles = simulate(dut, stepper, surroundings, taker)
    assert state["tile"] == len(steps)
    assert state["tokens"] == sum(step["last"] for step in steps)
    assert state["swaps"] == sum(-(-step["columns"] // engine.units) for step in steps)
    if chance == 1:
        assert cycles <= len(want) + 2 * len(steps) + 10, "a row a cycle"


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module issue" in to_verilog(Issue(config=preset), name="issue")
