import numpy as np
import pytest

from hw.attention.datapath.requantise import Requantise
from hw.attention.types import Entry
from hw.regmap import ElementType
from hw.verilog import to_verilog
from sw_model import ops
from verif.lib.streams import simulate

# name: width in bits (signed), corners besides the extremes
FIELDS = {
    "acc": (32, [-(1 << 31) + 1, -1, 0, 1]),
    "r": (16, [-1, 0, 1, 255]),
    "mul": (17, [-1, 0, 1]),
    "add": (48, [-1, 0, 1]),
    "rmul": (17, [-1, 0, 1]),
}
TYPES = [ElementType.INT8, ElementType.UINT8, ElementType.INT16]


def random_cases(rng, count, *, shifts=32, left_shifts=64):
    """Return arrays of values by name, of all magnitudes; a third of them are corners."""
    cases = {}
    for name, (width, corners) in FIELDS.items():
        low, high = -(1 << width - 1), (1 << width - 1) - 1
        numbers = rng.integers(low, high + 1, count) >> rng.integers(0, width, count)
        corners = rng.choice([low, high, *corners], count)
        cases[name] = np.where(rng.random(count) < 0.3, corners, numbers)
    for name, limit in (("shift", shifts), ("rsh", left_shifts)):
        corners = rng.choice([0, limit - 1], count)
        cases[name] = np.where(rng.random(count) < 0.2, corners, rng.integers(0, limit, count))
    return cases


def run(cases, y_type, *, raw=False):
    """Return the lane's results, a case every cycle."""
    dut = Requantise()
    count = len(cases["acc"])
    results = []

    async def testbench(ctx):
        ctx.set(dut.y_type, y_type)
        ctx.set(dut.raw, raw)
        for n in range(count + 2):
            ctx.set(dut.multiply, n < count)
            ctx.set(dut.add, 1 <= n <= count)
            if n < count:
                case = {name: int(values[n]) for name, values in cases.items()}
                ctx.set(dut.acc, case.pop("acc"))
                ctx.set(dut.r, case.pop("r"))
                ctx.set(dut.entry, Entry.const(case))
            if n >= 2:
                results.append(ctx.get(dut.y))
            await ctx.tick()

    simulate(dut, testbench)
    return np.array(results)


def definition(cases, y_type):
    """Return what numpy's 64-bit integers make of the cases: sums and shifts wrap."""
    left = (cases["r"] * cases["rmul"]) << cases["rsh"]
    total = cases["acc"] * cases["mul"] + left + cases["add"]
    info = np.iinfo(y_type.name.lower())
    return np.clip(total >> cases["shift"], info.min, info.max)


@pytest.mark.parametrize("y_type", TYPES, ids=lambda y_type: y_type.name)
def test_wraps_and_clips(y_type):
    cases = random_cases(np.random.default_rng(y_type), 1500, shifts=64)
    results = run(cases, y_type)
    assert (results == definition(cases, y_type)).all()
    assert len(np.unique(results)) > 30, "not all are clipped"


@pytest.mark.parametrize("y_type", TYPES, ids=lambda y_type: y_type.name)
def test_equals_the_operator(y_type):
    """Case by case the arithmetic of `ops.requantise`, without and with a residual."""
    cases = random_cases(np.random.default_rng(y_type), 300)
    names = ("mul", "add", "shift", "rmul", "rsh")
    entry = ops.Entry(**{name: cases[name] for name in names})
    name = y_type.name.lower()
    expected = ops.requantise(cases["acc"], entry, name, residual=cases["r"])
    assert (run(cases, y_type) == expected).all()
    cases["r"][:] = 0
    assert (run(cases, y_type) == ops.requantise(cases["acc"], entry, name)).all()


def test_the_longest_left_shifts():
    """Residuals of one bit reach every place of the sum and fall out at its top."""
    cases = random_cases(np.random.default_rng(4), 64, shifts=64)
    cases["r"][:], cases["rmul"][:], cases["rsh"] = 3, -1, np.arange(64)
    cases["shift"][:] = np.clip(np.arange(64) - 4, 0, 63)
    cases["acc"][:] = cases["add"][:] = 0
    results = run(cases, ElementType.INT16)
    assert (results == definition(cases, ElementType.INT16)).all()
    assert len(set(results[8:62])) == 1 and len(set(results[61:])) > 1


def test_raw_is_the_accumulator():
    cases = random_cases(np.random.default_rng(5), 300)
    assert (run(cases, ElementType.INT32, raw=True) == cases["acc"]).all()


def test_converts():
    assert "module requantise" in to_verilog(Requantise(), name="requantise")
