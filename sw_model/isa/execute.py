"""What each instruction does to a hart.

Every function takes the hart and the decoded instruction `i` (fields rd, rs1, rs2, imm). Registers
hold unsigned 32-bit values. A function raises `Trap` before it changes anything.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sw_model.isa.memory import AccessFault
from sw_model.isa.trap import Cause, Trap

if TYPE_CHECKING:
    from sw_model.isa.decode import Decoded
    from sw_model.isa.hart import Hart

MASK = 0xFFFFFFFF
Execute = Callable[["Hart", "Decoded"], None]


def signed(value: int) -> int:
    """Read 32 bits as two's complement."""
    return value - (1 << 32) if value >> 31 else value


def immediate(operation: Callable[[int, int], int]) -> Execute:
    """rd = operation(rs1, imm)"""

    def execute(hart, i):
        hart.write(i.rd, operation(hart.x[i.rs1], i.imm & MASK) & MASK)

    return execute


def register(operation: Callable[[int, int], int]) -> Execute:
    """rd = operation(rs1, rs2)"""

    def execute(hart, i):
        hart.write(i.rd, operation(hart.x[i.rs1], hart.x[i.rs2]) & MASK)

    return execute


def lui(hart: "Hart", i: "Decoded") -> None:
    hart.write(i.rd, i.imm & MASK)


def auipc(hart: "Hart", i: "Decoded") -> None:
    hart.write(i.rd, (hart.pc + i.imm) & MASK)


def _jump(hart: "Hart", target: int) -> None:
    if target & 2:
        raise Trap(Cause.FETCH_MISALIGNED, target)
    hart.next_pc = target


def jal(hart: "Hart", i: "Decoded") -> None:
    _jump(hart, (hart.pc + i.imm) & MASK)
    hart.write(i.rd, (hart.pc + 4) & MASK)


def jalr(hart: "Hart", i: "Decoded") -> None:
    _jump(hart, (hart.x[i.rs1] + i.imm) & MASK & ~1)
    hart.write(i.rd, (hart.pc + 4) & MASK)


def branch(condition: Callable[[int, int], bool]) -> Execute:
    """Jump when condition(rs1, rs2)"""

    def execute(hart, i):
        if condition(hart.x[i.rs1], hart.x[i.rs2]):
            _jump(hart, (hart.pc + i.imm) & MASK)

    return execute


def load(size: int, is_signed: bool) -> Execute:
    """rd = memory[rs1 + imm]"""
    sign = 1 << 8 * size - 1 if is_signed else 0

    def execute(hart, i):
        address = (hart.x[i.rs1] + i.imm) & MASK
        if address % size:
            raise Trap(Cause.LOAD_MISALIGNED, address)
        try:
            value = hart.memory.load(address, size)
        except AccessFault:
            raise Trap(Cause.LOAD_FAULT, address) from None
        hart.write(i.rd, ((value ^ sign) - sign) & MASK)

    return execute


def store(size: int) -> Execute:
    """memory[rs1 + imm] = rs2"""

    def execute(hart, i):
        address = (hart.x[i.rs1] + i.imm) & MASK
        if address % size:
            raise Trap(Cause.STORE_MISALIGNED, address)
        try:
            hart.memory.store(address, size, hart.x[i.rs2])
        except AccessFault:
            raise Trap(Cause.STORE_FAULT, address) from None

    return execute


def div(a: int, b: int) -> int:
    if b == 0:
        return MASK
    a, b = signed(a), signed(b)
    quotient = abs(a) // abs(b)
    return -quotient if (a < 0) != (b < 0) else quotient


def rem(a: int, b: int) -> int:
    if b == 0:
        return a
    a, b = signed(a), signed(b)
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def divu(a: int, b: int) -> int:
    return a // b if b else MASK


def remu(a: int, b: int) -> int:
    return a % b if b else a


def fence(hart: "Hart", i: "Decoded") -> None:
    """Accesses are performed at once here, so there is nothing to wait for."""


def ecall(hart: "Hart", i: "Decoded") -> None:
    raise Trap(Cause.ECALL)


def ebreak(hart: "Hart", i: "Decoded") -> None:
    raise Trap(Cause.BREAKPOINT, hart.pc)


def mret(hart: "Hart", i: "Decoded") -> None:
    hart.next_pc = hart.csrs.leave()


def wfi(hart: "Hart", i: "Decoded") -> None:
    hart.sleeping = True


def csr(operation: Callable[[int, int], int], *, immediate: bool, always: bool) -> Execute:
    """rd = csr; csr = operation(csr, operand); `always` writes even when rs1 is 0."""

    def execute(hart, i):
        writes = always or i.rs1 != 0
        old = hart.csrs.access(i.imm & 0xFFF, writes)
        operand = i.rs1 if immediate else hart.x[i.rs1]
        if writes:
            hart.csrs.write(i.imm & 0xFFF, operation(old, operand) & MASK)
        hart.write(i.rd, old)

    return execute
