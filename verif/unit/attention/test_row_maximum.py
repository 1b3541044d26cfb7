import numpy as np
import pytest

from hw.attention.softmax.row_maximum import RowMaximum
from hw.config import EngineConfig
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import simulate

CONFIGS = [
    EngineConfig(units=units, lanes=lanes)
    for units, lanes in ((2, 16), (4, 16), (16, 16), (16, 64), (64, 64))
]
LATENCY = 3


def bits(flags):
    return sum(1 << n for n in np.flatnonzero(flags).tolist())


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("rows", [1, 2, 16])
def test_equals_numpy(config, rows):
    """Random updates of a few rows of both banks; each read sees what is three cycles old."""
    dut = RowMaximum(config=config)
    rng = np.random.default_rng(rows)
    updates = []
    for n in range(200):
        values = rng.integers(rng.integers(-128, 127), 128, config.units)
        updates.append(
            {
                "valid": rng.random() < 0.8,
                "bank": int(rng.integers(2)),
                "row": int(rng.integers(rows)),
                "first": n < 50 or rng.random() < 0.1,
                "values": values.tolist(),
                "keep": rng.random(config.units) < (0, 0.5, 1)[rng.integers(3)],
            }
        )
    maxima = {}

    def see(update):
        if update["valid"]:
            place = (update["bank"], update["row"])
            before = -128 if update["first"] else maxima[place]
            kept = np.array(update["values"])[update["keep"]]
            maxima[place] = max([before, *kept.tolist()])

    async def testbench(ctx):
        for n, update in enumerate([*updates, *[{"valid": 0}] * LATENCY]):
            if n >= LATENCY:
                see(updates[n - LATENCY])
            for bank, row in maxima:
                ctx.set(dut.bank, bank)
                ctx.set(dut.row, row)
                assert ctx.get(dut.maximum) == maxima[bank, row], f"{bank, row} in cycle {n}"
            ctx.set(dut.update.valid, update["valid"])
            if update["valid"]:
                for name in ("bank", "row", "first"):
                    ctx.set(getattr(dut.update, name), update[name])
                values = dut.update.values.shape().const(update["values"])
                ctx.set(dut.update.values, values)
                ctx.set(dut.update.keep, bits(update["keep"]))
            await ctx.tick()

    for update in updates:  # the first one of a place is `first`, whatever was drawn
        if update["valid"] and (update["bank"], update["row"]) not in maxima:
            update["first"] = True
            maxima[update["bank"], update["row"]] = None
    maxima.clear()
    simulate(dut, testbench)


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    config = find_config(name).engine
    assert "module maximum" in to_verilog(RowMaximum(config=config), name="maximum")
