import numpy as np
import pytest
from amaranth.hdl import Cat

from hw.attention.datapath.issue import Issue
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import Item, receive, send, simulate

TINY = find_config("tiny")


@pytest.mark.parametrize("name", ["tiny", "square"])
@pytest.mark.parametrize("chance", [1, 0.5])
def test_walks_groups_and_rows(name, chance):
    """Every row of every group in order, never before its row or its weights are there."""
    config = find_config(name)
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
            "keep": int(n < 19 and rng.integers(0, 2)),
        }
        for n in range(20)
    ]
    tiles, want = [], []
    for n, step in enumerate(steps):
        if n and steps[n - 1]["keep"]:
            step["rows"] = steps[n - 1]["rows"]
        else:
            tiles.append(rng.integers(0, 256, (step["rows"], engine.lanes), dtype=np.uint8))
        tile = tiles[-1]
        for group in range(-(-step["columns"] // engine.units)):
            for row in range(step["rows"]):
                x = tile[row] if step["unsigned"] else tile[row].astype(np.int8)
                flags = (step["first"], step["last"])
                want.append((row, group, *flags, [int(v) for v in x]))
    state = {"tile": 0, "filled": 0, "swaps": 0, "rows": 0}
    seen = set()
    ended = []

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, chance)

    async def surroundings(ctx):
        """The tile buffer and the weight registers."""
        causes = ("active", "no_step", "blocked", "no_row", "no_weights")
        while not ended:
            full = rng.random() < chance
            rows = len(tiles[state["tile"]]) if state["tile"] < len(tiles) else 0
            if state["filled"] < rows and rng.random() < chance:
                state["filled"] += 1
            ctx.set(dut.filled, state["filled"])
            ctx.set(dut.full, full)
            *_, enable, row, swap, release, step, valid, ready, flags = await ctx.tick().sample(
                dut.enable,
                dut.row,
                dut.swap,
                dut.release,
                dut.step.valid,
                dut.o.valid,
                dut.o.ready,
                Cat(getattr(dut, cause) for cause in causes),
            )
            assert full or not swap
            if not step:
                cause = "no_step"
            elif valid and not ready:
                cause = "blocked"
            elif row >= state["filled"]:
                cause = "no_row"
            else:
                cause = "active" if row or full else "no_weights"
            assert [name for n, name in enumerate(causes) if flags >> n & 1] == [cause]
            assert enable == (cause == "active")
            seen.add(cause)
            state["swaps"] += swap
            if enable:
                state["rows"] += 1
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
    assert state["tile"] == len(tiles) < len(steps)
    assert state["rows"] == len(want)
    assert state["swaps"] == sum(-(-step["columns"] // engine.units) for step in steps)
    if chance == 1:
        assert seen == {"active", "no_step"}
        assert cycles <= len(want) + len(steps) + 3, "a row a cycle; steps come every other cycle"
    else:
        assert len(seen) == 5


def test_a_row_a_cycle_across_steps_and_tiles():
    dut = Issue(config=TINY)
    rows, columns, count = 5, 7, 6

    async def testbench(ctx):
        ctx.set(
            dut.step.payload,
            dut.step.payload.shape().const({"rows": rows, "columns": columns, "keep": 0}),
        )
        for signal, value in (
            (dut.step.valid, 1),
            (dut.filled, rows),
            (dut.full, 1),
            (dut.o.ready, 1),
        ):
            ctx.set(signal, value)
        issued = []
        for cycle in range(rows * 2 * count + 1):
            step = dut.o.payload.step
            *_, active, valid, row, group = await ctx.tick().sample(
                dut.active, dut.o.valid, step.row, step.group
            )
            assert active
            assert valid == (cycle > 0)
            if valid:
                issued.append((group, row))
        assert issued == [(group, row) for group in range(2) for row in range(rows)] * count

    simulate(dut, testbench)


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    assert "module issue" in to_verilog(Issue(config=find_config(name)), name="issue")
