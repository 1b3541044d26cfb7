"""What is known of a hart's registers at one place of a program, whatever came before.

A value is a number that is known (CONSTANT), somewhere from a known place on (NEAR: a table plus an
index, an array's end minus one), a word that was loaded from such a place (LOADED), or the stack
pointer of a known depth: below the function's entry (STACK), or below the start of a stack that the
function itself began (FRESH). Everything else is None, unknown.
"""

from enum import Enum
from typing import NamedTuple

from sw_model.isa.bits import MASK
from sw_model.isa.row import Decoded

RA, SP = 1, 2
_KEPT = {SP, 3, 4, 8, 9, *range(18, 28)}
_ALIGN = 16


class Kind(Enum):
    """What sort of value it is."""

    CONSTANT = 0
    NEAR = 1
    LOADED = 2
    STACK = 3
    FRESH = 4


class Value(NamedTuple):
    """A value: its kind, and the number, place or depth (negative below the start)."""

    kind: Kind
    number: int

    @property
    def on_stack(self) -> bool:
        return self.kind in (Kind.STACK, Kind.FRESH)


Registers = list[Value | None]


def at_entry() -> Registers:
    """What a function knows when it begins."""
    registers: Registers = [None] * 32
    registers[0] = Value(Kind.CONSTANT, 0)
    registers[SP] = Value(Kind.STACK, 0)
    return registers


def after_call(registers: Registers) -> Registers:
    """What the calling convention lets a caller know after a call."""
    return [
        value if number in _KEPT or number == 0 else None for number, value in enumerate(registers)
    ]


def join(one: Registers, other: Registers) -> Registers:
    """What is known when it may have been either."""
    return [a if a == b else None for a, b in zip(one, other, strict=True)]


def moved(value: Value | None, by: int) -> Value | None:
    """A value plus a number."""
    if value is None or value.kind is Kind.LOADED:
        return None
    if value.on_stack:
        return Value(value.kind, value.number + by)
    return Value(value.kind, value.number + by & MASK)


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number


def _somewhere(value: Value | None) -> Value | None:
    """A value plus or minus something unknown."""
    near = value is not None and value.kind in (Kind.CONSTANT, Kind.NEAR)
    return Value(Kind.NEAR, value.number) if near else None


def _sum(a: Value | None, b: Value | None, sign: int) -> Value | None:
    result = None
    if b is not None and b.kind is Kind.CONSTANT:
        result = moved(a, sign * _signed(b.number))
    elif sign == 1 and a is not None and a.kind is Kind.CONSTANT:
        result = moved(b, _signed(a.number))
    if result is not None:
        return result
    return _somewhere(a) or (_somewhere(b) if sign == 1 else None)


def _aligned(value: Value | None, mask: int) -> Value | None:
    """A stack pointer moved down to a multiple; it was one of 16, as the convention has it."""
    multiple = -_signed(mask)
    if value is None or not value.on_stack or multiple <= 0 or multiple & (multiple - 1):
        return None
    return Value(value.kind, value.number - max(0, multiple - _ALIGN))


def _computed(i: Decoded, registers: Registers) -> Value | None:
    """What an instruction without memory makes."""
    a, b = registers[i.rs1], registers[i.rs2]
    match i.name:
        case "addi":
            return moved(a, i.operand("imm_i"))
        case "add" | "sub" if i.row.group == "i":
            return _sum(a, b, 1 if i.name == "add" else -1)
        case "andi" if a is not None and a.on_stack:
            return _aligned(a, i.operand("imm_i") & MASK)
        case "and" if a is not None and b is not None and b.kind is Kind.CONSTANT and a.on_stack:
            return _aligned(a, b.number)
    if i.row.compute is None:
        return None
    read = [name for name in ("rs1", "rs2") if name in i.row.fields]
    numbers = {"rs1": a, "rs2": b}
    if i.row.reads_rd or any(
        numbers[name] is None or numbers[name].kind is not Kind.CONSTANT for name in read
    ):
        return None
    values = [numbers[name].number if name in read else 0 for name in ("rs1", "rs2")]
    return Value(Kind.CONSTANT, i.row.compute(*values, 0, i.word) & MASK)


def _loaded(i: Decoded, registers: Registers) -> Value | None:
    """What a load reads: a word from a place that is known but for an index."""
    base = registers[i.rs1]
    if i.row.operands == "rd, imm_i(rs1)":
        place = moved(base, i.operand("imm_i"))
    elif i.row.operands == "rd, rs2(rs1)":
        place = _sum(base, registers[i.rs2], 1)
    else:
        place = base
    if i.name not in ("lw", "cv.lw") or place is None:
        return None
    return Value(Kind.LOADED, place.number) if _somewhere(place) else None


def execute(i: Decoded, pc: int, registers: Registers) -> None:
    """Let an instruction that neither jumps nor branches change what is known."""
    name, operands = i.name, i.row.operands
    base = registers[i.rs1]
    is_load = name in ("lb", "lh", "lw", "lbu", "lhu") or name.startswith("cv.l")
    result = None
    if name == "auipc":
        result = Value(Kind.CONSTANT, pc + i.operand("imm_u") & MASK)
    elif is_load and "(rs1)" in operands:
        result = _loaded(i, registers)
    else:
        result = _computed(i, registers)
    if "(rs1), " in operands:  # post-increment: a walk from the base on
        moves = i.operand("imm_i") if "imm_i" in operands else None
        moves = i.operand("imm_s") if "imm_s" in operands else moves
        stays = base is not None and base.on_stack and moves is not None
        registers[i.rs1] = moved(base, moves) if stays else _somewhere(base)
    if "rd" in i.row.fields and i.rd != 0:
        registers[i.rd] = result
    registers[0] = Value(Kind.CONSTANT, 0)
