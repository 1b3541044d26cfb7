"""Checks of branches and jumps: both outcomes, both directions, links, misaligned targets."""

import operator

from sw_model.isa import encode
from sw_model.isa.bits import MASK, signed
from sw_model.isa.trap import Cause
from verif.conformance.builder import RESUME, ROWS, Builder
from verif.conformance.operands import CORNERS

A, B, SEEN, LINK = 5, 6, 7, 8

_CONDITIONS = {
    "beq": operator.eq,
    "bne": operator.ne,
    "blt": lambda a, b: signed(a) < signed(b),
    "bge": lambda a, b: signed(a) >= signed(b),
    "bltu": operator.lt,
    "bgeu": operator.ge,
}
_IMMEDIATE = {"cv.beqimm": operator.eq, "cv.bneimm": operator.ne}


def _branch(builder: Builder, name: str, taken: bool, what: str, **operands: int) -> None:
    """A branch over one instruction; the check says whether it was taken."""
    builder.emit("addi", rd=SEEN, imm_i=1)
    builder.emit(name, imm_b=8, **operands)
    builder.emit("addi", rd=SEEN, imm_i=0)
    builder.check(SEEN, int(taken), f"{name} {what}: taken")


def branches(builder: Builder) -> None:
    """Every pair of corners with every condition, forwards; some backwards, far and misaligned."""
    corners = CORNERS[:9]
    for a in corners:
        builder.li(A, a)
        for b in corners:
            builder.li(B, b)
            for name, condition in _CONDITIONS.items():
                _branch(builder, name, condition(a, b), f"{a:08x}, {b:08x}", rs1=A, rs2=B)
    for name in _CONDITIONS:
        _branch(builder, name, name in ("beq", "bge", "bgeu"), "of zeros", rs1=0, rs2=0)
        taken, other = (0, 1) if name in ("beq", "bge", "bgeu") else (1, 2)
        _backwards(builder, name)
        _misaligned(builder, name)


def _operands(name: str) -> tuple[dict[str, int], dict[str, int]]:
    """Operands with which a branch is taken, and with which it is not; B is 1."""
    equal, less, more = dict(rs1=B, rs2=B), dict(rs1=0, rs2=B), dict(rs1=B, rs2=0)
    if name in ("beq", "bge", "bgeu"):
        return equal, less
    return (less, more) if name != "bne" else (less, equal)


def _backwards(builder: Builder, name: str) -> None:
    """Branch back over two instructions, and from there forward again."""
    taken, _ = _operands(name)
    builder.li(B, 1)
    builder.emit("addi", rd=SEEN, imm_i=0)
    builder.emit("jal", imm_j=12)
    builder.emit("addi", rd=SEEN, rs1=SEEN, imm_i=5)
    builder.emit("jal", imm_j=8)
    builder.emit(name, imm_b=-8, **taken)
    builder.check(SEEN, 5, f"{name} backwards")


def _misaligned(builder: Builder, name: str) -> None:
    """A target that is no multiple of 4 traps, but only when the branch is taken."""
    taken, not_taken = _operands(name)
    word = encode(ROWS[name], imm_b=6, **taken)
    builder.flush()
    what = f"{name} to a misaligned target"
    builder.trap(word, Cause.FETCH_MISALIGNED, builder.here + 6, what)
    builder.emit("addi", rd=SEEN, imm_i=3)
    builder.emit(name, imm_b=6, **not_taken)
    builder.check(SEEN, 3, f"{what}, not taken")


def immediate_branches(builder: Builder) -> None:
    """`cv.beqimm` and `cv.bneimm`: each immediate with equal, close and far values."""
    for name, condition in _IMMEDIATE.items():
        for immediate in range(-16, 16):
            for a in {immediate & MASK, immediate & 31, immediate ^ 1 << 31 & MASK, -immediate}:
                builder.li(A, a & MASK)
                taken = condition(a & MASK, immediate & MASK)
                what = f"{a & MASK:08x}, {immediate}"
                _branch(builder, name, taken, what, rs1=A, imm5=immediate)
        builder.flush()
        builder.emit("addi", rd=A, imm_i=1 if name == "cv.beqimm" else 2)
        word = encode(ROWS[name], rs1=A, imm5=1, imm_b=2)
        what = f"{name} to a misaligned target"
        builder.trap(word, Cause.FETCH_MISALIGNED, builder.here + 2, what)


def jumps(builder: Builder) -> None:
    """`jal`, `jalr`, `auipc`: distances, links, bit 0 of the target, equal registers, traps."""
    for value in (0, 0x1000, 0x7FFFF000, 0x80000000, 0xFFFFF000):
        pc = builder.here
        builder.emit("auipc", rd=A, imm_u=value)
        builder.check(A, pc + value, f"auipc {value:#x}")
    for distance in (4, 8, 16, 800):
        pc = builder.here
        builder.emit("addi", rd=SEEN, imm_i=9)
        builder.emit("jal", rd=LINK, imm_j=distance)
        for _ in range(distance // 4 - 1):
            builder.emit("addi", rd=SEEN, imm_i=0)
        builder.check(SEEN, 9, f"jal over {distance} bytes")
        builder.check(LINK, pc + 8, f"jal over {distance} bytes: link")
    for odd in (0, 1):
        for link in (LINK, A, 0):
            builder.emit("auipc", rd=A, imm_u=0)
            pc = builder.here
            builder.emit("addi", rd=SEEN, imm_i=4)
            builder.emit("jalr", rd=link, rs1=A, imm_i=16 + odd)
            builder.emit("addi", rd=SEEN, imm_i=0)
            builder.check(SEEN, 4, f"jalr, bit 0 is {odd}")
            builder.check(link, pc + 8 if link else 0, f"jalr to x{link}: link")
    builder.emit("auipc", rd=A, imm_u=0)
    builder.emit("addi", rd=A, rs1=A, imm_i=2047)
    pc = builder.here
    builder.emit("jalr", rd=LINK, rs1=A, imm_i=4 + 12 - 2047)
    builder.emit("jal", imm_j=0)
    builder.check(LINK, pc + 4, "jalr with a negative offset: link")
    builder.li(LINK, 77)
    builder.flush()
    target = builder.here + 2
    word = encode(ROWS["jal"], rd=LINK, imm_j=2)
    builder.trap(word, Cause.FETCH_MISALIGNED, target, "jal to a misaligned target")
    builder.check(LINK, 77, "jal to a misaligned target: link stays")
    builder.flush()
    builder.emit("addi", rd=A, imm_i=6)
    word = encode(ROWS["jalr"], rd=A, rs1=A, imm_i=1)
    builder.trap(word, Cause.FETCH_MISALIGNED, 6, "jalr to a misaligned target")
    builder.check(A, 6, "jalr to a misaligned target: link stays")
    for target in (0, 0x4000_0000):
        _fetch_fault(builder, target)


def _fetch_fault(builder: Builder, target: int) -> None:
    """A jump to where nothing is links, and the fetch behind it traps."""
    builder.flush()
    builder.li(A, target)
    builder.emit("auipc", rd=RESUME, imm_u=0)
    builder.emit("addi", rd=RESUME, rs1=RESUME, imm_i=12)
    pc = builder.here
    word = encode(ROWS["jalr"], rd=LINK, rs1=A)
    what = f"fetch from {target:#x}"
    builder.trap(word, Cause.FETCH_FAULT, target, what, pc=target)
    builder.check(LINK, pc + 4, f"{what}: link")
