"""Writes conformance programs: code, data, and what the signature must be."""

import struct

from hw.config import MAIN_BASE
from sw_model.isa import csr, encode
from sw_model.isa.row import Row
from sw_model.isa.table import TABLE
from verif.conformance.program import UNWRITTEN, Program

ROWS = {row.name: row for row in TABLE} | {(row.name, row.operands): row for row in TABLE}
"""Rows by name, and by name and operands where one name has several."""

POINTER, SCRATCH, RESUME, DATA, LIMIT = 30, 31, 29, 28, 27
"""Registers with a purpose: the next word of the signature, the handler's own, where the handler
goes on after a failed fetch, a table of operands and its end."""

FREE = tuple(range(1, 27))
"""Registers that checks may use."""

_REACH = 2000


class Builder:
    """A program that grows instruction by instruction.

    It starts with an exception handler that adds mcause, mepc, mtval and mstatus to the signature
    and goes on behind the instruction that trapped. After a fetch that failed it goes on at the
    address in register `RESUME`.

    Parameters
    ----------
    name : str
        Name of the program.
    base : int
        Where its code and data go.
    """

    def __init__(self, name: str, base: int = MAIN_BASE):
        self.name = name
        self.base = base
        self._expected: list[int] = []
        self._what: list[str] = []
        self._words: list[int] = []
        self._data: list[int] = []
        self._addresses: list[tuple[int, int, str | int]] = []
        self._offset = 0  # of the next word of the signature from POINTER
        self._prologue()

    @property
    def here(self) -> int:
        """Address of the next instruction."""
        return self.base + 4 * len(self._words)

    @property
    def checks(self) -> int:
        """Words of the signature so far."""
        return len(self._expected)

    def emit(self, row: str | tuple[str, str] | Row, **operands: int) -> None:
        """Add an instruction."""
        self.word(encode(row if isinstance(row, Row) else ROWS[row], **operands))

    def word(self, word: int) -> None:
        """Add an instruction that is already encoded."""
        self._words.append(word)

    def li(self, rd: int, value: int) -> None:
        """Load a number, always in two instructions."""
        for word in _load_immediate(rd, value):
            self.word(word)

    def load_address(self, rd: int, place: str | int) -> None:
        """Load the address of `tohost`, of the `signature`, or of a word of the data."""
        self._addresses.append((len(self._words), rd, place))
        self.li(rd, 0)

    def data(self, *words: int) -> int:
        """Add words to the data; return the first one's number."""
        self._data += words
        return len(self._data) - len(words)

    def check(self, register: int, expected: int, what: str) -> None:
        """Add the value of a register to the signature."""
        self.store(register)
        self.expect(expected, what)

    def store(self, register: int) -> None:
        """Write a register to the signature, without saying what it must be."""
        if self._offset >= _REACH:
            self.flush()
        self.emit("sw", rs1=POINTER, rs2=register, imm_s=self._offset)
        self._offset += 4

    def expect(self, value: int, what: str) -> None:
        """Say what the next word of the signature must be."""
        self._expected.append(value & 0xFFFFFFFF)
        self._what.append(what)

    def flush(self) -> None:
        """Bring the pointer up to date: where a loop starts and ends, and before a trap."""
        if self._offset:
            self.emit("addi", rd=POINTER, rs1=POINTER, imm_i=self._offset)
            self._offset = 0

    def trap(self, word: int, cause: int, value: int, what: str, *, pc=None, enabled=False) -> None:
        """Add an instruction that traps, and what the handler writes about it.

        Parameters
        ----------
        word
            The instruction.
        cause, value
            mcause and mtval.
        what
            Which check it is.
        pc
            mepc, when it is not the instruction's address.
        enabled
            Whether interrupts are enabled before.
        """
        self.flush()
        self.expect(cause, f"{what}: mcause")
        self.expect(self.here if pc is None else pc, f"{what}: mepc")
        self.expect(value, f"{what}: mtval")
        status = csr.STATUS_MPP | (csr.STATUS_MPIE if enabled else 0)
        self.expect(status, f"{what}: mstatus")
        self.word(word)

    def _prologue(self) -> None:
        handler = self.here + 4
        self.emit("jal", imm_j=4 * 19)
        for index, address in enumerate((csr.MCAUSE, csr.MEPC, csr.MTVAL, csr.MSTATUS)):
            self.emit("csrrs", rd=SCRATCH, csr=address)
            self.emit("sw", rs1=POINTER, rs2=SCRATCH, imm_s=4 * index)
        self.emit("addi", rd=POINTER, rs1=POINTER, imm_i=16)
        self.emit("csrrs", rd=SCRATCH, csr=csr.MCAUSE)
        self.emit("addi", rd=SCRATCH, rs1=SCRATCH, imm_i=-1)
        self.emit("bne", rs1=SCRATCH, rs2=0, imm_b=12)
        self.emit("csrrw", rs1=RESUME, csr=csr.MEPC)
        self.emit("mret")
        self.emit("csrrs", rd=SCRATCH, csr=csr.MEPC)
        self.emit("addi", rd=SCRATCH, rs1=SCRATCH, imm_i=4)
        self.emit("csrrw", rs1=SCRATCH, csr=csr.MEPC)
        self.emit("mret")
        assert self.here == handler + 4 * 18
        self.load_address(POINTER, "signature")
        self.li(SCRATCH, handler)
        self.emit("csrrw", rs1=SCRATCH, csr=csr.MTVEC)

    def program(self) -> Program:
        """End the program and return it; nothing may be added afterwards."""
        self.load_address(SCRATCH, "tohost")
        self.emit("addi", rd=DATA, imm_i=1)
        self.emit("sw", rs1=SCRATCH, rs2=DATA, imm_s=0)
        self.emit("jal", imm_j=0)
        data = self.here
        tohost = data + 4 * len(self._data)
        signature = tohost + 4
        places = {"tohost": tohost, "signature": signature}
        for index, rd, place in self._addresses:
            address = places[place] if isinstance(place, str) else data + 4 * place
            self._words[index : index + 2] = _load_immediate(rd, address)
        unwritten = [UNWRITTEN] * len(self._expected)
        image = [*self._words, *self._data, 0, *unwritten]
        return Program(
            name=self.name,
            segments=((self.base, struct.pack(f"<{len(image)}I", *image)),),
            entry=self.base,
            tohost=tohost,
            signature=signature,
            expected=tuple(self._expected),
            what=tuple(self._what),
        )


def _load_immediate(rd: int, value: int) -> list[int]:
    low = (value & 0xFFF ^ 0x800) - 0x800
    high = encode(ROWS["lui"], rd=rd, imm_u=value - low & 0xFFFFF000)
    return [high, encode(ROWS["addi"], rd=rd, rs1=rd, imm_i=low)]
