"""The A extension, on words.

What Heed leaves out or chooses: the bits aq and rl change nothing, because every access is
performed before the next instruction of the same hart starts. A reservation is one word. Any SC
gives it up; so does a store, an AMO or a successful SC of another hart to that word, but not the
hart's own plain store.
"""

from sw_model.isa.bits import MASK, signed
from sw_model.isa.row import Row

_MASK, _OPCODE = 0xF800707F, 2 << 12 | 0x2F

OPERATIONS = {
    "amoswap.w": (0b00001, lambda old, new: new),
    "amoadd.w": (0b00000, lambda old, new: old + new),
    "amoxor.w": (0b00100, lambda old, new: old ^ new),
    "amoand.w": (0b01100, lambda old, new: old & new),
    "amoor.w": (0b01000, lambda old, new: old | new),
    "amomin.w": (0b10000, lambda old, new: min(old, new, key=signed)),
    "amomax.w": (0b10100, lambda old, new: max(old, new, key=signed)),
    "amominu.w": (0b11000, min),
    "amomaxu.w": (0b11100, max),
}
"""Of each AMO: funct5, and what memory holds afterwards."""


def _lr(hart, i):
    hart.write(i.rd, hart.load_reserved(hart.x[i.rs1]))


def _sc(hart, i):
    hart.write(i.rd, 0 if hart.store_conditional(hart.x[i.rs1], hart.x[i.rs2]) else 1)


def _amo(name, funct5, operation):
    def execute(hart, i):
        old = hart.modify(hart.x[i.rs1], hart.x[i.rs2], lambda a, b: operation(a, b) & MASK)
        hart.write(i.rd, old)

    return Row(name, "a", _MASK, funct5 << 27 | _OPCODE, "rd, rs2, (rs1)", execute)


ROWS = (
    Row("lr.w", "a", _MASK | 31 << 20, 0b00010 << 27 | _OPCODE, "rd, (rs1)", _lr),
    Row("sc.w", "a", _MASK, 0b00011 << 27 | _OPCODE, "rd, rs2, (rs1)", _sc),
    *(_amo(name, *operation) for name, operation in OPERATIONS.items()),
)
