import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import Gate, is_open
from hw.attention.streams.gate import RowGate
from hw.verilog import to_verilog
from verif.lib.row_memory import POSITIONS, is_reached
from verif.lib.streams import simulate


class Definition(wiring.Component):
    """What `is_open` says of a row."""

    gate: In(Gate)
    performed: In(24)
    row: In(6)
    opened: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.opened.eq(is_open(m, self.gate, self.performed, self.row))
        m.d.sync += Signal().eq(0)  # a clock for the test bench
        return m


def cases(rng, count):
    """Yield (gate, row, performed) near the gate's position, also where positions wrap."""
    for _ in range(count):
        gate = {
            "wait": int(rng.random() < 0.8),
            "by_row": int(rng.integers(0, 2)),
            "position": int(rng.choice([0, 3, 1000, POSITIONS - 2, POSITIONS // 2])),
        }
        row = int(rng.integers(0, 6))
        yield gate, row, (gate["position"] + row + int(rng.integers(-3, 4))) % POSITIONS


def should_open(gate, row, performed):
    position = gate["position"] + (row + 1 if gate["by_row"] else 0)
    return not gate["wait"] or is_reached(position, performed)


@pytest.mark.parametrize("lift", [0, 1])
def test_rows(lift):
    dut = RowGate()
    rng = np.random.default_rng(1)

    async def testbench(ctx):
        opened = 0
        for gate, row, performed in cases(rng, 500):
            ctx.set(dut.gate, Gate.const(gate))
            ctx.set(dut.performed, performed)
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            ctx.set(dut.gate, Gate.const({"wait": 0}))
            for _ in range(row):
                ctx.set(dut.advance, 1)
                await ctx.tick()
            ctx.set(dut.advance, 0)
            assert ctx.get(dut.opened) == should_open(gate, row, performed)
            opened += ctx.get(dut.opened)
            ctx.set(dut.lift, lift)
            await ctx.tick()
            ctx.set(dut.lift, 0)
            assert ctx.get(dut.opened) == (lift or should_open(gate, row, performed))
        assert 100 < opened < 400

    simulate(dut, testbench)


def test_definition():
    """The walk through a step's rows says the same as the definition of a gate."""
    dut = Definition()
    rng = np.random.default_rng(1)

    async def testbench(ctx):
        for gate, row, performed in cases(rng, 500):
            ctx.set(dut.gate, Gate.const(gate))
            ctx.set(dut.performed, performed)
            ctx.set(dut.row, row)
            assert ctx.get(dut.opened) == should_open(gate, row, performed)
            await ctx.tick()

    simulate(dut, testbench)


def test_converts():
    assert "module gate" in to_verilog(RowGate(), name="gate")
