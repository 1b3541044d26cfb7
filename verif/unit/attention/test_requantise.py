import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.attention.datapath.requantise import Requantise
from hw.attention.types import Entry
from hw.regmap import ElementType
from hw.verilog import to_verilog
from sw_model import ops

CORNERS = {
    "acc": [-(1 << 31), -(1 << 31) + 1, -1, 0, 1, (1 << 31) - 1],
    "mul": [-(1 << 16), -1, 0, 1, (1 << 16) - 1],
    "add": [-(1 << 47), -1, 0, 1, (1 << 47) - 1],
    "shift": [0, 1, 7, 31],
}


def random_cases(rng, count):
    """Return `count` cases (acc, mul, add, shift); a third of the values are corners."""

    def values(name, low, high):
        widths = rng.integers(1, high.bit_length() + 1, count)  # all magnitudes
        numbers = rng.integers(low, high, count) >> (high.bit_length() - widths)
        return np.where(rng.random(count) < 0.3, rng.choice(CORNERS[name], count), numbers)

    return np.stack(
        [
            values("acc", -(1 << 31), 1 << 31),
            values("mul", -(1 << 16), 1 << 16),
            values("add", -(1 << 47), 1 << 47),
            np.where(rng.random(count) < 0.3, 0, rng.integers(0, 32, count)),
        ],
        axis=1,
    )


def run(cases, y_type):
    """Return the lane's results, a case every cycle."""
    dut = Requantise()
    results = []

    async def testbench(ctx):
        ctx.set(dut.y_type, y_type)
        for n in range(len(cases) + 2):
            ctx.set(dut.multiply, n < len(cases))
            ctx.set(dut.finish, 1 <= n <= len(cases))
            if n < len(cases):
                acc, mul, add, shift = (int(value) for value in cases[n])
                ctx.set(dut.acc, acc)
                entry = {"mul": mul, "add": add, "shift": shift, "rsh": 63, "rmul": -1}
                ctx.set(dut.entry, Entry.const(entry))
            if n >= 2:
                results.append(ctx.get(dut.y))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return np.array(results)


@pytest.mark.parametrize("y_type", ElementType, ids=lambda y_type: y_type.name)
def test_equals_the_definition(y_type):
    cases = random_cases(np.random.default_rng(y_type), 1500)
    acc, mul, add, shift = cases.T
    entry = None if y_type == ElementType.INT32 else ops.Entry(mul, add, shift)
    expected = ops.requantise(acc, entry, y_type.name.lower())
    assert (run(cases, y_type) == expected).all()


def test_the_longest_shifts():
    """Normalisation shifts by more than an entry in memory can say."""
    rng = np.random.default_rng(7)
    cases = random_cases(rng, 300)
    cases[:, 3] = rng.integers(32, 64, 300)
    acc, mul, add, shift = cases.T
    expected = np.clip((acc * mul + add) >> shift, -128, 127)
    assert (run(cases, ElementType.INT8) == expected).all()


def test_converts():
    assert "module requantise" in to_verilog(Requantise(), name="requantise")
