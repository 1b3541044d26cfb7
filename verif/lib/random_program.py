"""Random programs for the core: every instruction of the model's table, hazards and traps."""

import random

from sw_model.isa import csr
from sw_model.isa.decode import TABLE, decode
from verif.lib.assembler import BASE

MEMORY_BYTES = 1 << 14
DATA = 0x3000
"""Offset of the data that loads and stores work on; programs stay below it."""

HANDLER, DATA_BASE, BAD_BASE, LOOP, JUMP = 31, 30, 29, 28, 27
"""Registers with a purpose, which random instructions read but do not write."""

FREE = range(27)
_ROWS = {row.name: row for row in TABLE}
_LOADS = {"lb": 1, "lh": 2, "lw": 4, "lbu": 1, "lhu": 2}
_STORES = {"sb": 1, "sh": 2, "sw": 4}
_BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")
_CSRS = ("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci")
_SPECIAL = {"jal", "jalr", "mret", "wfi", *_LOADS, *_STORES, *_BRANCHES, *_CSRS}
_PLAIN = [row.name for row in TABLE if row.name not in _SPECIAL | {"ecall", "ebreak"}]
_MULTIPLY_DIVIDE = ("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu")
_CSR_ADDRESSES = (
    *(csr.MSTATUS, csr.MISA, csr.MIE, csr.MCOUNTINHIBIT, csr.MSCRATCH, csr.MEPC, csr.MCAUSE),
    *(csr.MTVAL, csr.MIP, csr.MCYCLE, csr.MINSTRET, csr.MCYCLEH, csr.MINSTRETH, csr.CYCLE),
    *(csr.INSTRET, csr.CYCLEH, csr.INSTRETH, csr.MHARTID, csr.MVENDORID, 0xB1F, 0x323, 0x7C0),
)
_CORNERS = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF, 0x0000FFFF, 0xFFFF8000)


def encode(name: str, *, rd: int = 0, rs1: int = 0, rs2: int = 0, imm: int = 0) -> int:
    """Encode an instruction of the model's table; fields that it fixes stay as it has them."""
    row = _ROWS[name]
    word = rd << 7 | rs1 << 15 | rs2 << 20
    opcode = row.match & 0x7F
    if opcode in (0x37, 0x17):
        word = rd << 7 | imm & 0xFFFFF000
    elif opcode == 0x6F:
        word = rd << 7 | (imm >> 20 & 1) << 31 | (imm >> 1 & 1023) << 21
        word |= (imm >> 11 & 1) << 20 | (imm >> 12 & 255) << 12
    elif opcode == 0x63:
        word = rs1 << 15 | rs2 << 20 | (imm >> 12 & 1) << 31 | (imm >> 5 & 63) << 25
        word |= (imm >> 1 & 15) << 8 | (imm >> 11 & 1) << 7
    elif opcode == 0x23:
        word = rs1 << 15 | rs2 << 20 | (imm >> 5 & 127) << 25 | (imm & 31) << 7
    elif opcode != 0x33:
        word = rd << 7 | rs1 << 15 | (imm & 0xFFF) << 20
    return word & ~row.mask & 0xFFFFFFFF | row.match


class RandomProgram:
    """One random program.

    Straight-line pieces, forward branches and jumps, counted loops, loads and stores on a small
    area, multiplication and division, CSR accesses, and instructions that trap: illegal ones,
    misaligned and faulting accesses, misaligned jumps, `ecall`, `ebreak`. A handler skips what
    trapped; interrupts just return. It ends by jumping to itself at `end`.

    Parameters
    ----------
    seed
        Decides everything.
    length
        Instructions, about.
    traps
        Whether instructions that trap are in it.
    interrupts
        Whether it enables interrupts; `wfi` is only used then.

    Attributes
    ----------
    data : bytes
        `MEMORY_BYTES` of memory from `BASE` on.
    end : int
        Address of the last instruction.
    """

    def __init__(self, seed: int, length: int, *, traps: bool = True, interrupts: bool = False):
        self._random = random.Random(seed)
        self._traps = traps
        self._interrupts = interrupts
        # A few registers used often make hazards likely.
        self._few = self._random.sample(FREE, 4)
        self._words: list[int] = []
        self._prologue()
        while len(self._words) < length:
            self._piece()
        self.end = BASE + 4 * len(self._words)
        self._emit("jal", imm=0)
        code = b"".join(word.to_bytes(4, "little") for word in self._words)
        if len(code) > DATA:
            raise ValueError(f"length is {length}, but {DATA // 4} instructions fit")
        self.data = code.ljust(DATA, b"\0") + self._random.randbytes(MEMORY_BYTES - DATA)

    def _emit(self, name: str, **fields: int) -> None:
        self._words.append(encode(name, **fields))

    def _load_immediate(self, rd: int, value: int) -> None:
        low = (value & 0xFFF ^ 0x800) - 0x800
        self._emit("lui", rd=rd, imm=value - low)
        self._emit("addi", rd=rd, rs1=rd, imm=low)

    def _prologue(self) -> None:
        """Vector table from word 1 on (4 * code for interrupts), handlers, setup."""
        exception, interrupt, setup = 13, 19, 20
        self._emit("jal", imm=4 * setup)
        self._emit("jal", imm=4 * (exception - 1))
        while len(self._words) < exception:
            self._emit("jal", imm=4 * (interrupt - len(self._words)))
        # An exception: go on behind the instruction.
        self._emit("csrrw", rd=HANDLER, rs1=HANDLER, imm=csr.MSCRATCH)
        self._emit("csrrs", rd=HANDLER, imm=csr.MEPC)
        self._emit("addi", rd=HANDLER, rs1=HANDLER, imm=4)
        self._emit("csrrw", rs1=HANDLER, imm=csr.MEPC)
        self._emit("csrrw", rd=HANDLER, rs1=HANDLER, imm=csr.MSCRATCH)
        self._emit("mret")
        # An interrupt: go on.
        self._emit("mret")
        self._load_immediate(1, BASE + 4 | 1)
        self._emit("csrrw", rs1=1, imm=csr.MTVEC)
        self._load_immediate(DATA_BASE, BASE + DATA + 0x800)
        self._load_immediate(BAD_BASE, 0x4000_0000)
        for register in (*FREE, HANDLER, LOOP, JUMP):
            self._load_immediate(register, self._value())
        if self._interrupts:
            self._load_immediate(1, 0x888)
            self._emit("csrrw", rs1=1, imm=csr.MIE)
            self._emit("csrrsi", rs1=8, imm=csr.MSTATUS)

    def _value(self) -> int:
        kind = self._random.random()
        if kind < 0.3:
            return self._random.choice(_CORNERS)
        return self._random.getrandbits(32) >> self._random.choice((0, 0, 8, 24))

    def _rd(self) -> int:
        return self._random.choice(self._few if self._random.random() < 0.7 else FREE)

    def _rs(self) -> int:
        return self._random.choice(self._few if self._random.random() < 0.7 else range(32))

    def _piece(self) -> None:
        kinds = {
            self._plain: 40,
            self._multiply_divide: 8,
            self._access: 25,
            self._branch: 12,
            self._jump: 3,
            self._loop: 2,
            self._csr: 5,
        }
        if self._traps:
            kinds[self._trap] = 4
        if self._interrupts:
            kinds[self._sleep] = 1
        kind = self._random.choices(list(kinds), list(kinds.values()))[0]
        kind()

    def _simple(self) -> None:
        """One instruction that goes on to the next."""
        kind = self._random.random()
        if kind < 0.55:
            self._plain()
        elif kind < 0.65:
            self._multiply_divide()
        else:
            self._access()

    def _plain(self) -> None:
        name = self._random.choice(_PLAIN)
        imm = self._random.getrandbits(32)
        self._emit(name, rd=self._rd(), rs1=self._rs(), rs2=self._rs(), imm=imm)

    def _multiply_divide(self) -> None:
        name = self._random.choice(_MULTIPLY_DIVIDE)
        self._emit(name, rd=self._rd(), rs1=self._rs(), rs2=self._rs())

    def _access(self) -> None:
        # Few addresses, so that loads see what stores wrote.
        offset = self._random.choice((0, 4, 8, 12, self._random.randrange(-2048, 2044)))
        name, size = self._random.choice(list((_LOADS | _STORES).items()))
        offset += self._random.randrange(4)
        if not (self._traps and self._random.random() < 0.05):
            offset -= offset % size
        base = DATA_BASE
        if self._traps and self._random.random() < 0.04:
            base = BAD_BASE
        self._emit(name, rd=self._rd(), rs1=base, rs2=self._rs(), imm=offset)

    def _branch(self) -> None:
        distance = self._random.randrange(1, 8)
        imm = 4 * (distance + 1)
        if self._traps and self._random.random() < 0.05:
            imm += 2
        name = self._random.choice(_BRANCHES)
        self._emit(name, rs1=self._rs(), rs2=self._rs(), imm=imm)
        for _ in range(distance):
            self._simple()

    def _jump(self) -> None:
        distance = self._random.randrange(0, 6)
        odd = self._random.choice((0, 0, 1, 2)) if self._traps else 0
        if self._random.random() < 0.5:
            self._emit("jal", rd=self._rd(), imm=4 * (distance + 1) + (odd & 2))
        else:
            self._emit("auipc", rd=JUMP, imm=0)
            self._emit("jalr", rd=self._rd(), rs1=JUMP, imm=4 * (distance + 2) + odd)
        for _ in range(distance):
            self._simple()

    def _loop(self) -> None:
        self._emit("addi", rd=LOOP, imm=self._random.randrange(1, 6))
        start = len(self._words)
        for _ in range(self._random.randrange(0, 6)):
            self._simple()
        self._emit("addi", rd=LOOP, rs1=LOOP, imm=-1)
        self._emit("bne", rs1=LOOP, imm=4 * (start - len(self._words)))

    def _csr(self) -> None:
        address = self._random.choice(_CSR_ADDRESSES)
        if not self._traps and (address >> 10 == 3 or address == 0x7C0):
            address = csr.MSCRATCH
        if self._interrupts and address in (csr.MSTATUS, csr.MIE) and self._random.random() < 0.5:
            address = csr.MTVAL
        name = self._random.choice(_CSRS)
        self._emit(name, rd=self._rd(), rs1=self._rs(), imm=address)

    def _trap(self) -> None:
        name = self._random.choice(("ecall", "ebreak", "illegal", "compressed"))
        if name in _ROWS:
            self._emit(name)
            return
        word = self._random.getrandbits(32)
        while decode(word) or name == "compressed" and word & 3 == 3:
            word = self._random.getrandbits(32)
        self._words.append(word)

    def _sleep(self) -> None:
        # Interrupts may have been disabled since: without any, nothing would wake it.
        self._load_immediate(JUMP, 0x888)
        self._emit("csrrs", rs1=JUMP, imm=csr.MIE)
        self._emit("wfi")
