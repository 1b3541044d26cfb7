"""What the core's stages hand to each other: units, operations and the decoded control word."""

from amaranth.hdl import *
from amaranth.lib import data, enum


class Unit(enum.Enum, shape=4):
    """Which unit an instruction needs."""

    ALU = 0
    MULTIPLY = 1
    DIVIDE = 2
    LOAD = 3
    STORE = 4
    BRANCH = 5
    JUMP = 6
    CSR = 7
    SYSTEM = 8


class AluOp(enum.IntEnum):
    """Operations of the ALU."""

    ADD = 0
    SUB = 1
    SLL = 2
    SLT = 3
    SLTU = 4
    XOR = 5
    SRL = 6
    SRA = 7
    OR = 8
    AND = 9


class SystemOp(enum.IntEnum):
    """Operations of `Unit.SYSTEM`."""

    ECALL = 0
    EBREAK = 1
    MRET = 2
    WFI = 3
    FENCE = 4
    FENCE_I = 5


class CsrOp(enum.IntEnum):
    """What a CSR instruction does: funct3's low bits."""

    WRITE = 1
    SET = 2
    CLEAR = 3


class OperandA(enum.Enum, shape=2):
    """First operand of the ALU."""

    RS1 = 0
    PC = 1
    ZERO = 2


class OperandB(enum.Enum, shape=2):
    """Second operand of the ALU."""

    RS2 = 0
    IMMEDIATE = 1
    FOUR = 2


class ImmediateFormat(enum.Enum, shape=3):
    """How the immediate lies in the instruction; Z is the 5-bit operand of a CSR instruction."""

    I = 0  # noqa: E741 (the manual's name)
    S = 1
    B = 2
    U = 3
    J = 4
    Z = 5


class Cause(enum.IntEnum):
    """Exception codes of `mcause`."""

    FETCH_MISALIGNED = 0
    FETCH_FAULT = 1
    ILLEGAL = 2
    BREAKPOINT = 3
    LOAD_MISALIGNED = 4
    LOAD_FAULT = 5
    STORE_MISALIGNED = 6
    STORE_FAULT = 7
    ECALL = 11


class Interrupt(enum.IntEnum):
    """Interrupt codes of `mcause`, also the bits of `mip` and `mie`."""

    SOFTWARE = 3
    TIMER = 7
    EXTERNAL = 11


class Control(data.Struct):
    """What the decoder says of an instruction.

    `op` belongs to the unit: an `AluOp`, a `SystemOp`, or funct3 for the rest. `base_pc` chooses pc
    rather than rs1 as the base of the address adder (jumps, branches, loads, stores). `unsigned`
    is for comparisons.
    """

    legal: 1
    unit: Unit
    op: 4
    a: OperandA
    b: OperandB
    immediate: ImmediateFormat
    base_pc: 1
    unsigned: 1
    reads_rs1: 1
    reads_rs2: 1
    writes_rd: 1


class Fetched(data.Struct):
    """An instruction word on its way to the decoder; `error` is an access fault."""

    insn: 32
    error: 1
    pc: 32


class TrapRequest(data.Struct):
    """A trap to enter: code, whether it is an interrupt, and what goes to `mepc` and `mtval`."""

    interrupt: 1
    code: 5
    pc: 32
    value: 32
