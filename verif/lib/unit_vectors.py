"""Vectors for the core's units: instruction words of a row, and what the core makes of them."""

import random
from collections.abc import Callable, Iterable

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.sim import Simulator

from hw.core.instructions.format import Instruction
from hw.core.types import ImmediateFormat, OperandB

MASK = 0xFFFFFFFF
CORNERS = (
    *(0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000),
    *(0x8000_0001, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x8080_8080, 0x7F7F_7F7F, 0x8000_8000, 0x7FFF_7FFF),
    *(0x5555_5555, 0xAAAA_AAAA, 0x8000_7FFF, 0x00FF_FF00),
)
OPERANDS = ("op", "a", "b", "c", "low", "high")
Vector = tuple[Instruction, int, int, int, int]
"""A row, an instruction word of it, and the values of rs1, rs2 and rd's register."""


def vectors(rows: Iterable[Instruction], each: int, seed: int = 1) -> list[Vector]:
    """`each` vectors for every row: all bits that the row leaves free are random; a third of the
    operands are corners."""
    rng = random.Random(seed)

    def operand() -> int:
        return rng.choice(CORNERS) if rng.randrange(3) == 0 else rng.getrandbits(32)

    return [
        (row, rng.getrandbits(32) & ~row.mask | row.match, operand(), operand(), operand())
        for row in rows
        for _ in range(each)
    ]


def _packed_immediate(row: Instruction, word: int) -> int:
    value = (word >> 20 & 31) << 1 | word >> 25 & 1
    if row.format.immediate is ImmediateFormat.V:
        return (value ^ 32) - 32 & MASK
    if row.format.immediate is ImmediateFormat.VU:
        return value
    raise ValueError(f"{row.name} has an immediate of format {row.format.immediate.name}")


def members(vector: Vector) -> dict[str, int]:
    """What the core gives to a unit's members."""
    row, word, rs1, rs2, rd = vector
    b = rs2 if row.format.b is OperandB.RS2 else _packed_immediate(row, word)
    return dict(op=int(row.op), a=rs1, b=b, c=rd, low=word >> 20 & 31, high=word >> 25 & 31)


def results(component: wiring.Component, given: list[Vector]) -> list[int]:
    """What a unit gives for each vector: a combinational one, or one that takes two cycles.

    To one of two cycles a vector is given every cycle, but for pauses in which its result must
    hold while the operands change.
    """
    names = [name for name in OPERANDS if name in component.signature.members]
    # All in one assignment: the simulator settles after each.
    operands = Cat(getattr(component, name) for name in names)
    inputs = []
    for vector in given:
        values, place = members(vector), 0
        packed = 0
        for name in names:
            packed |= values[name] << place
            place += len(getattr(component, name))
        inputs.append(packed)
    two_cycles = "start" in component.signature.members
    found: list[int] = []

    async def bench(ctx):
        for number, packed in enumerate(inputs):
            ctx.set(operands, packed)
            if not two_cycles:
                found.append(ctx.get(component.result))
                continue
            ctx.set(component.start, 1)
            await ctx.tick()
            found.append(ctx.get(component.result))
            if number % 8 == 0:
                ctx.set(component.start, 0)
                ctx.set(operands, ~inputs[number - 1])
                await ctx.tick()
                assert ctx.get(component.result) == found[-1], "the result did not hold"

    m = Module()
    m.submodules.dut = component
    simulator = Simulator(m)
    if two_cycles:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def check(
    component: wiring.Component, given: list[Vector], expected: Callable[[int, int, int, int], int]
) -> None:
    """Compare a unit's results with `expected(word, rs1, rs2, rd)`."""
    for vector, result in zip(given, results(component, given), strict=True):
        row, word, rs1, rs2, rd = vector
        right = expected(word, rs1, rs2, rd)
        assert result == right, (
            f"{row.name} {word:#010x} rs1 {rs1:#x} rs2 {rs2:#x} rd {rd:#x}: "
            f"{result:#x}, not {right:#x}"
        )
