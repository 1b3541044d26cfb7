"""The divider against the manual's definition, and its time against the formula."""

import random

import pytest
from amaranth.sim import Simulator

from hw.core.units.divider import Divider
from hw.verilog import to_verilog
from verif.lib.planted import plant

MASK = 0xFFFFFFFF
CORNERS = (0, 1, 2, 3, 7, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFF9, 0xFFFFFFFF)


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


def expected(op: int, a: int, b: int) -> int:
    """Quotient or remainder as the manual's table "Semantics for division" has them."""
    if not op & 1:
        a, b = signed(a), signed(b)
    if b == 0:
        quotient, remainder = -1, a
    else:
        quotient = abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)
        remainder = a - quotient * b
    return (remainder if op & 2 else quotient) & MASK


def divide_cycles(a: int, b: int, is_signed: bool) -> int:
    """Cycles from `start` to `done`."""
    if is_signed:
        a, b = abs(signed(a)), abs(signed(b))
    if b == 0 or a < b:
        return 2
    return 2 + a.bit_length() - b.bit_length() + 1


def divide(cases: list[tuple], idle: int = 0, wait: int = 0) -> list[tuple]:
    """Run divisions one after the other; return (result, cycles) of each.

    Each result waits `wait` cycles for its `ack`, and `idle` cycles pass before the next start.
    """
    dut = Divider()
    results = []

    async def bench(ctx):
        for op, a, b in cases:
            ctx.set(dut.start, 1)
            ctx.set(dut.op, op)
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            await ctx.tick()
            # While busy a start is ignored, whatever the operands are; so is an ack before done.
            ctx.set(dut.a, 0x55555555)
            ctx.set(dut.b, 0x33333333)
            ctx.set(dut.op, 3 - op)
            ctx.set(dut.ack, 1)
            cycles = 1
            while not ctx.get(dut.done):
                assert ctx.get(dut.busy)
                assert cycles < 40, (op, a, b)
                ctx.set(dut.ack, cycles % 2)
                await ctx.tick()
                cycles += 1
            ctx.set(dut.ack, 0)
            for _ in range(wait):
                await ctx.tick()
                assert ctx.get(dut.done) and ctx.get(dut.busy)
            results.append((ctx.get(dut.result), cycles))
            ctx.set(dut.ack, 1)
            ctx.set(dut.start, 0)
            await ctx.tick()
            assert not ctx.get(dut.done) and not ctx.get(dut.busy)
            for _ in range(idle):
                await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return results


def check(cases: list[tuple], **how: int) -> None:
    for case, got in zip(cases, divide(cases, **how), strict=True):
        op, a, b = case
        assert got == (expected(op, a, b), divide_cycles(a, b, not op & 1)), case


def random_cases(count: int) -> list[tuple]:
    rng = random.Random(3)
    return [
        (
            rng.randrange(4),
            rng.getrandbits(32) >> rng.randrange(32),
            rng.getrandbits(32) >> rng.randrange(32),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("op", range(4))
def test_corners(op):
    check([(op, a, b) for a in CORNERS for b in CORNERS])


def test_every_length_of_operands():
    lengths = range(0, 33, 3)
    check([(3, (1 << a) - 1, (1 << b) - 1) for a in lengths for b in lengths])
    check([(1, 1 << a, 1 << b) for a in range(32) for b in range(0, 32, 5)])


def test_random():
    check(random_cases(200), idle=1, wait=2)


def test_values_of_the_manual():
    cases = [(0, 7, 0), (1, 7, 0), (2, 7, 0), (3, 7, 0), (0, 1 << 31, MASK), (2, 1 << 31, MASK)]
    results = [result for result, _ in divide(cases)]
    assert results == [MASK, MASK, 7, 7, 1 << 31, 0]


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("negate_quotient.eq(a_negative ^ b_negative)", "negate_quotient.eq(a_negative)"),
        ("negate_remainder.eq(a_negative)", "negate_remainder.eq(b_negative)"),
        ("steps.eq(distance + 1)", "steps.eq(distance + 2)"),
        ("quotient.eq(0xFFFFFFFF), negate_quotient.eq(0)", "quotient.eq(0xFFFFFFFF)"),
        ("m.If(self.ack)", "m.If(1)"),
    ],
)
def test_notices_a_bug(monkeypatch, right, wrong):
    plant(monkeypatch, Divider, "elaborate", right, wrong)
    with pytest.raises(AssertionError):
        check(random_cases(40), wait=1)
        check([(op, a, b) for op in range(4) for a in CORNERS for b in CORNERS])


def test_converts_to_verilog():
    assert "module divider" in to_verilog(Divider(), name="divider")
