"""Late results: every one to its register once, in the order of the port's rule; the scoreboard."""

import random
from collections import Counter

import pytest
from amaranth.sim import Simulator

from hw.core.late import LateResults
from hw.verilog import to_verilog
from verif.lib.planted import plant

TAGS = 8
UNITS = ("product", "requantisation", "quotient")
DATA = ("product_data", "requantised_data", "quotient_data")
REGISTERS = range(6)
"""Few, so that they meet; register 0 too."""


class Bench:
    """Execute, memory and the units at random; `run` returns how many results of each kind came.

    Parameters
    ----------
    cycles
        How long.
    loads
        Probability that an outstanding load is answered in a cycle.
    seed
        Of everything.
    """

    def __init__(self, cycles: int, loads: float = 0.5, seed: int = 0):
        self.dut = LateResults(tags=TAGS)
        self._cycles, self._loads, self._rng = cycles, loads, random.Random(seed)
        self._loading: list[tuple[int, int]] = []  # registers and tags, in order
        self._product: tuple | None = None  # unit; register, data, tag: from the cycle after start
        self._quotient: tuple | None = None  # the same of the divider
        self._divided = False  # it is there
        self._written: Counter[str] = Counter()

    def run(self) -> Counter:
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._bench)
        simulator.run()
        return self._written

    async def _bench(self, ctx):
        for _ in range(self._cycles):
            self._cycle(ctx)
            await ctx.tick()

    def _cycle(self, ctx):
        dut, rng = self.dut, self._rng
        pending = {rd for rd, _ in self._loading}
        pending |= {unit[1][0] for unit in (self._product, self._quotient) if unit}
        pending.discard(0)
        assert ctx.get(dut.pending) == sum(1 << rd for rd in pending)
        assert ctx.get(dut.idle) == (self._product is None and self._quotient is None)

        # What comes.
        loaded, kind = self._answer(pending)
        self._divided |= self._quotient is not None and rng.random() < 0.3
        data = {name: rng.getrandbits(32) for name in DATA}
        for unit, there in ((self._product, True), (self._quotient, self._divided)):
            if unit and there:
                data[DATA[UNITS.index(unit[0])]] = unit[1][1]
        for name, value in data.items():
            ctx.set(getattr(dut, name), value)
        ctx.set(dut.divided, self._divided)
        ctx.set(dut.loaded.valid, loaded is not None)
        self._set(ctx, dut.loaded, loaded or [rng.getrandbits(3) for _ in range(3)])

        # What starts: nothing while execute has a load that holds it.
        ready = not (self._product and loaded)
        assert ctx.get(dut.multiplier_ready) == ready
        units = ["load", *UNITS[:2] * ready, *UNITS[2:] * (self._quotient is None)]
        starts = None if kind == "blocking" else rng.choice([None, *units])
        rd = rng.choice([rd for rd in REGISTERS if rd not in pending])
        tag = rng.randrange(TAGS)
        for unit in ("load", *UNITS):
            ctx.set(getattr(dut, unit), unit == starts)
        ctx.set(dut.rd, rd)
        ctx.set(dut.tag, tag)

        # What is written: a load, else a product, else a quotient.
        expected = loaded
        acknowledged = self._divided and not loaded and not self._product
        if self._product and not loaded:
            kind, expected = self._product
            self._product = None
        elif acknowledged:
            kind, expected = self._quotient
            self._quotient, self._divided = None, False
        assert ctx.get(dut.divider_ack) == acknowledged
        if expected is None or expected[0] == 0:
            assert not ctx.get(dut.write.valid)
        else:
            write = dut.write
            assert ctx.get(write.valid)
            assert tuple(ctx.get(m) for m in (write.rd, write.data, write.tag)) == expected
            self._written[kind] += 1

        if starts == "load":
            self._loading.append((rd, tag))
        elif starts == "quotient":
            self._quotient = starts, (rd, rng.getrandbits(32), tag)
        elif starts:
            self._product = starts, (rd, rng.getrandbits(32), tag)

    def _answer(self, pending):
        """Return what memory gives to a register in this cycle, and for which kind of load."""
        rng = self._rng
        if self._loading:
            if rng.random() < self._loads:
                rd, tag = self._loading.pop(0)
                if rd:
                    return (rd, rng.getrandbits(32), tag), "load"
        elif rng.random() < 0.2:
            rd = rng.choice([rd for rd in REGISTERS if rd and rd not in pending])
            return (rd, rng.getrandbits(32), rng.randrange(TAGS)), "blocking"
        return None, None

    @staticmethod
    def _set(ctx, port, values):
        for member, value in zip((port.rd, port.data, port.tag), values, strict=True):
            ctx.set(member, value)


@pytest.mark.parametrize("loads", [0.3, 0.9])
def test_random_results(loads):
    written = Bench(1000, loads, seed=round(10 * loads)).run()
    kinds = ("load", "blocking", *UNITS)
    assert min(written[kind] for kind in kinds) > 10, written


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("m.Elif(waits)", "m.Elif(waits & ~self.divided)"),
        ("m.Elif(~self.loaded.valid)", "m.Else()"),
        ("self.divider_ack.eq(self.divided)", "self.divider_ack.eq(dividing)"),
        ("write.valid.eq(product_rd != 0)", "write.valid.eq(1)"),
        ("self.divided & (quotient_rd != 0)", "self.divided"),
        ("requantised.eq(self.requantisation)", "requantised.eq(0)"),
        ("self.quotient | self.load) & (self.rd != 0)", "self.quotient | self.load)"),
        ("(starts | self.quotient | self.load)", "(starts | self.load)"),
        ("write.tag.eq(self.loaded.tag)", "write.tag.eq(product_tag)"),
        ("self.idle.eq(~waits & ~dividing)", "self.idle.eq(~dividing)"),
        ("with m.If(~waits)", "with m.If(1)"),
    ],
)
def test_notices_a_bug(monkeypatch, right, wrong):
    plant(monkeypatch, LateResults, "elaborate", right, wrong)
    with pytest.raises(AssertionError):
        Bench(1000).run()


def test_converts_to_verilog():
    for tags in (1, TAGS):
        assert "module late" in to_verilog(LateResults(tags=tags), name="late")
