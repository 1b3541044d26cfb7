import numpy as np
import pytest
from amaranth.hdl import *
from amaranth.sim import Simulator

from hw.common import numeric


def evaluate(expression, inputs):
    """Return the expression's value for each tuple of input values."""
    m = Module()
    value = expression(m) if callable(expression) else expression
    y = Signal(value.shape())
    m.d.comb += y.eq(value)
    signals, rows = inputs
    results = []

    async def testbench(ctx):
        for row in rows:
            for signal, number in zip(signals, row, strict=True):
                ctx.set(signal, number)
            await ctx.delay(1e-9)
            results.append(ctx.get(y))

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
    return results


def test_bounds():
    assert numeric.bounds(signed(8)) == (-128, 127)
    assert numeric.bounds(unsigned(8)) == (0, 255)
    assert numeric.bounds(Signal(signed(3))) == (-4, 3)
    assert numeric.bounds(unsigned(0)) == (0, 0)


def test_adder_tree_is_exact_and_no_wider_than_needed(rng):
    terms = [Signal(signed(16), name=f"t{n}") for n in range(16)]
    total = numeric.adder_tree(terms)
    assert total.shape() == signed(20)
    rows = [[-(1 << 15)] * 16, [(1 << 15) - 1] * 16]
    rows += rng.integers(-(1 << 15), 1 << 15, (20, 16)).tolist()
    assert evaluate(total, (terms, rows)) == [sum(row) for row in rows]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_adder_tree_of_any_count(count, rng):
    terms = [Signal(9, name=f"t{n}") for n in range(count)]
    total = numeric.adder_tree(terms)
    assert len(total) == 9 + (count - 1).bit_length()
    rows = [[511] * count, *rng.integers(0, 512, (10, count)).tolist()]
    assert evaluate(total, (terms, rows)) == [sum(row) for row in rows]


def test_tree_of_nothing():
    with pytest.raises(ValueError, match="at least one"):
        numeric.adder_tree([])


def test_fit_extends_by_sign():
    a = Signal(signed(4))
    value = numeric.fit(a, signed(9))
    assert value.shape() == signed(9)
    assert evaluate(value, ([a], [(-8,), (7,), (-1,)])) == [-8, 7, -1]
    b = Signal(4)
    value = numeric.fit(b, signed(5))
    assert value.shape() == signed(5)
    assert evaluate(value, ([b], [(15,), (0,)])) == [15, 0]


@pytest.mark.parametrize(
    "shape, target",
    [
        (signed(9), signed(8)),
        (unsigned(8), signed(8)),
        (signed(8), unsigned(16)),
        (unsigned(9), unsigned(8)),
    ],
)
def test_fit_and_store_refuse_what_does_not_fit(shape, target):
    source = Signal(shape)
    with pytest.raises(ValueError, match="holds"):
        numeric.fit(source, target)
    narrow = Signal(target, name="narrow")
    with pytest.raises(ValueError, match="narrow"):
        numeric.store(narrow, source)


def test_constants_fit_by_value():
    assert numeric.fit(Const(5, 16), unsigned(3)).shape() == unsigned(3)
    with pytest.raises(ValueError, match="ranges from 8"):
        numeric.fit(Const(8, 16), unsigned(3))


def test_store_keeps_the_sign():
    a = Signal(signed(4))

    def stored(m):
        y = Signal(signed(32))
        m.d.comb += numeric.store(y, a)
        return y

    assert evaluate(stored, ([a], [(-8,), (5,)])) == [-8, 5]


def test_wrap_is_modulo():
    a = Signal(signed(10))
    rows = [(n,) for n in range(-512, 512, 7)]
    expected = [((n + 128) & 255) - 128 for (n,) in rows]
    assert evaluate(numeric.wrap(a, signed(8)), (([a]), rows)) == expected
    assert evaluate(numeric.wrap(a, unsigned(4)), (([a]), rows)) == [n & 15 for (n,) in rows]
    assert evaluate(numeric.wrap(a, unsigned(12)), (([a]), rows)) == [n & 4095 for (n,) in rows]


def test_top_bits_keep_the_sign():
    a = Signal(signed(8))
    rows = [(n,) for n in range(-128, 128)]
    value = numeric.top_bits(a, 3)
    assert value.shape() == signed(3)
    assert evaluate(value, ([a], rows)) == [n >> 5 for (n,) in rows]
    with pytest.raises(ValueError, match="count is 9"):
        numeric.top_bits(a, 9)


@pytest.mark.parametrize("source", [signed(6), unsigned(6), signed(3)])
@pytest.mark.parametrize("target", [signed(4), unsigned(4), signed(8), unsigned(1)])
def test_saturate(source, target):
    a = Signal(source)
    low, high = numeric.bounds(source)
    rows = [(n,) for n in range(low, high + 1)]
    low, high = numeric.bounds(target)
    results = evaluate(lambda m: numeric.saturate(m, a, target), ([a], rows))
    assert results == [min(max(n, low), high) for (n,) in rows]


def test_rounding_shift():
    a, s = Signal(signed(8)), Signal(3)
    rows = [(n, k) for n in range(-128, 128, 5) for k in range(8)]
    expected = [(n + ((1 << k) >> 1)) >> k for n, k in rows]
    assert evaluate(numeric.rounding_shift(a, s), ([a, s], rows)) == expected
    expected = [(n + 4) >> 3 for n, _ in rows]
    assert evaluate(numeric.rounding_shift(a, 3), ([a, s], rows)) == expected
    with pytest.raises(ValueError, match="unsigned"):
        numeric.rounding_shift(a, Signal(signed(3)))
    with pytest.raises(ValueError, match="-1"):
        numeric.rounding_shift(a, -1)


@pytest.fixture
def rng():
    return np.random.default_rng(1)
