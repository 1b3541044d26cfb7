"""What the structs' users share: the mask as a number of lanes."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from hw.attention.steps import SIZE_BITS, Mask, first_lanes, keys_in_sight
from hw.regmap import MAX_SIZE

OFFSETS = (-32768, -32767, -17, -1, 0, 1, 16, 32767)
PLACES = (0, 1, 15, 16, 32752, 32767, 32768, 32769, MAX_SIZE - 16, MAX_SIZE - 1)
COUNTS = (1, 15, 16)


@pytest.mark.parametrize("causal", [0, 1])
def test_keys_in_sight(causal):
    """Rows, keys and offsets at the ends of their ranges, against the predicate of the mask."""
    m = Module()
    mask = Signal(Mask)
    row, key = Signal(SIZE_BITS), Signal(SIZE_BITS)
    count = Signal(range(17))
    seen = keys_in_sight(m, mask, row, key, count)
    rng = np.random.default_rng(20)

    async def testbench(ctx):
        for _ in range(4000):
            q, k, offset = (int(rng.choice(values)) for values in (PLACES, PLACES, OFFSETS))
            length = min(int(rng.choice(PLACES)) + int(rng.integers(0, 2)), MAX_SIZE)
            n = int(rng.choice(COUNTS))
            ctx.set(mask, {"kv_length": length, "causal": causal, "offset": offset})
            for signal, value in ((row, q), (key, k), (count, n)):
                ctx.set(signal, value)
            keys = range(k, k + n)
            want = [key < length and (not causal or key <= q + offset) for key in keys]
            assert ctx.get(seen) == sum(want), (q, k, offset, length, n)
            assert want == sorted(want, reverse=True), "they are the first ones"

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()


def test_first_lanes():
    m = Module()
    count, lanes = Signal(range(17)), Signal(16)
    m.d.comb += lanes.eq(first_lanes(count, 16))

    async def testbench(ctx):
        for n in range(17):
            ctx.set(count, n)
            assert ctx.get(lanes) == (1 << n) - 1

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
