"""Checks of the A extension on one hart: results, reservations, traps."""

import random

from hw.config import DEVICE_BASE
from sw_model.isa import encode
from sw_model.isa.bits import MASK, signed
from sw_model.isa.trap import Cause
from verif.conformance.builder import ROWS, Builder
from verif.conformance.memory import NOWHERE, PLACES
from verif.conformance.operands import CORNERS

ADDRESS, OPERAND, RESULT, OTHER = 5, 6, 7, 8
AMOS = {
    "amoswap.w": lambda a, b: b,
    "amoadd.w": lambda a, b: a + b,
    "amoxor.w": lambda a, b: a ^ b,
    "amoand.w": lambda a, b: a & b,
    "amoor.w": lambda a, b: a | b,
    "amomin.w": lambda a, b: a if signed(a) < signed(b) else b,
    "amomax.w": lambda a, b: a if signed(a) > signed(b) else b,
    "amominu.w": lambda a, b: a if a < b else b,
    "amomaxu.w": lambda a, b: a if a > b else b,
}


def amos(builder: Builder, rng: random.Random) -> None:
    """Every AMO with pairs of corners, in each memory, in both halves of 64 bits."""
    corners = CORNERS[:6]
    for place, base in PLACES.items():
        builder.li(ADDRESS, base)
        for name, operation in AMOS.items():
            for a in corners:
                for b in corners:
                    _amo(builder, place, base, name, a, b, operation(a, b), rng)
            _equal_registers(builder, place, base, name, operation)


def _amo(builder, place, base, name, a, b, after, rng) -> None:
    """One AMO with random ordering bits; the other half of the 64 bits stays."""
    upper = rng.getrandbits(1)
    address, neighbour = (10, 9) if upper else (9, 10)
    builder.li(9, base)
    builder.li(10, base + 4)
    builder.li(OPERAND, a)
    builder.li(OTHER, ~a & MASK)
    builder.emit("sw", rs1=address, rs2=OPERAND)
    builder.emit("sw", rs1=neighbour, rs2=OTHER)
    builder.li(OPERAND, b)
    order = rng.getrandbits(2) << 25
    builder.word(encode(ROWS[name], rd=RESULT, rs1=address, rs2=OPERAND) | order)
    what = f"{name} of {a:08x}, {b:08x} in {place}"
    builder.check(RESULT, a, f"{what}: old value")
    builder.emit("lw", rd=RESULT, rs1=address)
    builder.check(RESULT, after, f"{what}: memory")
    builder.emit("lw", rd=RESULT, rs1=neighbour)
    builder.check(RESULT, ~a, f"{what}: neighbour")


def _equal_registers(builder, place, base, name, operation) -> None:
    """rd is rs1, rs2 or register 0; rs2 is rs1."""
    old = 0x1234_8765
    cases = {
        "rd is rs1": (dict(rd=9, rs1=9, rs2=OPERAND), 9, 77),
        "rd is rs2": (dict(rd=OPERAND, rs1=9, rs2=OPERAND), OPERAND, 77),
        "rs2 is rs1": (dict(rd=RESULT, rs1=9, rs2=9), RESULT, base),
        "rd is x0": (dict(rd=0, rs1=9, rs2=OPERAND), 0, 77),
    }
    for case, (operands, result, operand) in cases.items():
        builder.li(10, base)
        builder.li(9, base)
        builder.li(OPERAND, old)
        builder.emit("sw", rs1=10, rs2=OPERAND)
        builder.li(OPERAND, 77)
        builder.emit(name, **operands)
        what = f"{name} in {place}, {case}"
        builder.check(result, old if result else 0, what)
        builder.emit("lw", rd=RESULT, rs1=10)
        builder.check(RESULT, operation(old, operand), f"{what}: memory")


LR, SC, STORE, AMO, FAR, BYTE, TRAP = "LR", "SC", "store", "AMO", "SC elsewhere", "byte", "ecall"
LR_FAR = "LR elsewhere"
SEQUENCES = (
    ((SC,), 1),
    ((LR, SC), 0),
    ((LR, SC, SC), 1),
    ((LR, LR, SC), 0),
    ((LR, STORE, SC), 0),
    ((LR, BYTE, SC), 0),
    ((LR, AMO, SC), 0),
    ((LR, FAR, SC), 1),
    ((LR_FAR, SC), 1),
    ((LR, LR_FAR, SC), 1),
    ((LR_FAR, LR, SC), 0),
    ((LR, LR_FAR, FAR), 0),
    ((LR, TRAP, SC), 0),
)
"""What one hart does, and the result of the last SC."""


def reservations(builder: Builder) -> None:
    """Sequences with LR and SC in each memory; elsewhere is close by, or in the other memory."""
    for place, base in PLACES.items():
        near = base + 16
        others = [other + 16 for other in PLACES.values() if other != base]
        for far in (near + 4, near + 8, near - 4, *others):
            for sequence, fails in SEQUENCES:
                what = f"{', '.join(sequence)} in {place}, elsewhere is {far:08x}"
                _sequence(builder, what, near, far, sequence, fails)


def _sequence(builder, what, near, far, sequence, fails) -> None:
    builder.li(9, near)
    builder.li(10, far)
    builder.emit("sc.w", rd=RESULT, rs1=9, rs2=0)  # whatever reservation there was
    for register, value in ((OPERAND, 100), (OTHER, 55)):
        builder.li(register, value)
    builder.emit("sw", rs1=9, rs2=OPERAND)
    builder.emit("sw", rs1=10, rs2=OPERAND)
    for action in sequence:
        match action:
            case "LR":
                builder.emit("lr.w", rd=RESULT, rs1=9)
                builder.check(RESULT, 100, f"{what}: LR")
            case "LR elsewhere":
                builder.emit("lr.w", rd=RESULT, rs1=10)
            case "SC":
                builder.emit("sc.w", rd=RESULT, rs1=9, rs2=OTHER)
            case "SC elsewhere":
                builder.emit("sc.w", rd=RESULT, rs1=10, rs2=OTHER)
            case "store":
                builder.emit("sw", rs1=9, rs2=OPERAND)
            case "byte":
                builder.emit("sb", rs1=9, rs2=OPERAND)
            case "AMO":
                builder.emit("amoor.w", rd=RESULT, rs1=9, rs2=OPERAND)
            case "ecall":
                builder.trap(encode(ROWS["ecall"]), Cause.ECALL, 0, what)
    builder.check(RESULT, fails, f"{what}: result")
    written = {SC: 9, FAR: 10}[sequence[-1]]
    first = sequence[:2] == (LR, SC)  # it succeeded already
    for register in (9, 10):
        builder.emit("lw", rd=RESULT, rs1=register)
        stored = register == written and (not fails or first)
        builder.check(RESULT, 55 if stored else 100, f"{what}: memory")


def traps(builder: Builder) -> None:
    """Misaligned atomics, and atomics on devices and nowhere."""
    addresses = {base + n: "MISALIGNED" for base in PLACES.values() for n in (1, 2, 3)}
    addresses |= dict.fromkeys((DEVICE_BASE, *NOWHERE), "FAULT")
    addresses[NOWHERE[0] + 2] = "MISALIGNED"
    for name in ("lr.w", "sc.w", *AMOS):
        for address, kind in addresses.items():
            builder.li(9, address)
            builder.li(RESULT, 1234)
            word = encode(ROWS[name], rd=RESULT, rs1=9)
            cause = Cause[f"{'LOAD' if name == 'lr.w' else 'STORE'}_{kind}"]
            what = f"{name} of {address:08x}"
            builder.trap(word, cause, address, what)
            builder.check(RESULT, 1234, f"{what}: rd stays")
