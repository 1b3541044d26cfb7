"""What the core's stages hand to each other: units, operations and the decoded control word."""

from amaranth.hdl import *
from amaranth.lib import data, enum


class Unit(enum.Enum, shape=4):
    """Which unit an instruction needs.

    `MULTIPLY` to `DIVIDE` and loads give their result later than the others, by the register
    file's second write port.
    """

    ALU = 0
    XALU = 1
    BIT = 2
    SIMD = 3
    DOT = 4
    MULTIPLY = 5
    REQUANTISE = 6
    DIVIDE = 7
    LOAD = 8
    STORE = 9
    ATOMIC = 10
    BRANCH = 11
    JUMP = 12
    LOOP = 13
    CSR = 14
    SYSTEM = 15


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


class LoopOp(enum.IntEnum):
    """What an instruction of `Unit.LOOP` writes; SETUP writes all three."""

    START = 0
    END = 1
    COUNT = 2
    SETUP = 3


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
    """Second operand of the units; LOW is the signed number in bits 24:20 of the instruction."""

    RS2 = 0
    IMMEDIATE = 1
    FOUR = 2
    LOW = 3


class Offset(enum.Enum, shape=2):
    """What is added to the base of an address."""

    IMMEDIATE = 0
    RS2 = 1
    RS3 = 2
    ZERO = 3


class ImmediateFormat(enum.Enum, shape=3):
    """How the immediate lies in the instruction.

    Z is the 5-bit operand of a CSR instruction. V and VU are the 6-bit operand of packed
    instructions, {bits 24:20, bit 25}, signed and unsigned.
    """

    I = 0  # noqa: E741 (the manual's name)
    S = 1
    B = 2
    U = 3
    J = 4
    Z = 5
    V = 6
    VU = 7


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


class CoreEvent(enum.IntEnum):
    """What performance counters can count: bits of `mhpmevent`. Each is counted once a cycle."""

    OPERAND_WAIT = 0
    MEMORY_WAIT = 1
    FETCH_WAIT = 2
    REDIRECT = 3
    LOAD = 4
    STORE = 5
    TCDM_REFUSED = 6
    UNIT_WAIT = 7


class Control(data.Struct):
    """What the decoder says of an instruction.

    `op` belongs to the unit: an `AluOp`, a `SystemOp`, a `TcdmOp` for atomics, funct3 for loads,
    stores, branches and CSRs, or what the unit's own file says. `base_pc` chooses pc rather than
    rs1 as the base of the address adder, `offset` what is added. With `post` the address is the
    base itself and the sum is written to rs1. `unsigned` is for comparisons. rs3 is the register
    that the field of rd names.
    """

    legal: 1
    unit: Unit
    op: 8
    a: OperandA
    b: OperandB
    immediate: ImmediateFormat
    base_pc: 1
    offset: Offset
    post: 1
    unsigned: 1
    reads_rs1: 1
    reads_rs2: 1
    reads_rs3: 1
    writes_rd: 1


class Fetched(data.Struct):
    """An instruction word on its way to the decoder.

    `error` is an access fault. `ends` says which hardware loops end with it (their counts were not
    0 when it was fetched), `loops` that the next one is the start of the first of those.
    """

    insn: 32
    error: 1
    pc: 32
    ends: 2
    loops: 1


class TrapRequest(data.Struct):
    """A trap to enter: code, whether it is an interrupt, and what goes to `mepc` and `mtval`."""

    interrupt: 1
    code: 5
    pc: 32
    value: 32
