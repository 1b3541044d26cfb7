"""XCVbitmanip: fields, counts, rotation."""

from hw.core.instructions.format import R_ACCUMULATE, R_ONE, Instruction, R
from hw.core.types import Unit
from hw.core.units.bitmanip import BitFind, BitKind, BitOp

R_ONE_ACCUMULATE = R_ONE._replace(reads_rs3=True)


def _op(kind, **fields):
    return BitOp.const({"kind": kind, **fields}).as_bits()


def _immediate(name, top, funct3, kind, form=R_ONE, **fields):
    pattern = f"{top:02b} ----- ----- ----- {funct3:03b} ----- 1011011"
    return Instruction(name, pattern, form, Unit.BIT, _op(kind, **fields))


def _register(name, funct7, kind, form=R, rs2="-----", **fields):
    pattern = f"{funct7:07b} {rs2} ----- 011 ----- 0101011"
    return Instruction(name, pattern, form, Unit.BIT, _op(kind, **fields))


def _one(name, funct7, kind, **fields):
    return _register(name, funct7, kind, R_ONE, rs2="00000", **fields)


INSTRUCTIONS = (
    _immediate("cv.extract", 0, 0, BitKind.EXTRACT),
    _immediate("cv.extractu", 1, 0, BitKind.EXTRACT, unsigned=1),
    _immediate("cv.insert", 2, 0, BitKind.INSERT, R_ONE_ACCUMULATE),
    _immediate("cv.bclr", 0, 1, BitKind.CLEAR),
    _immediate("cv.bset", 1, 1, BitKind.SET),
    _immediate("cv.bitrev", 3, 1, BitKind.REVERSE),
    _register("cv.extractr", 0x18, BitKind.EXTRACT, register=1),
    _register("cv.extractur", 0x19, BitKind.EXTRACT, register=1, unsigned=1),
    _register("cv.insertr", 0x1A, BitKind.INSERT, R_ACCUMULATE, register=1),
    _register("cv.bclrr", 0x1C, BitKind.CLEAR, register=1),
    _register("cv.bsetr", 0x1D, BitKind.SET, register=1),
    _register("cv.ror", 0x20, BitKind.ROTATE, register=1),
    _one("cv.ff1", 0x21, BitKind.FIND, find=BitFind.FIRST),
    _one("cv.fl1", 0x22, BitKind.FIND, find=BitFind.LAST),
    _one("cv.clb", 0x23, BitKind.FIND, find=BitFind.SIGN),
    _one("cv.cnt", 0x24, BitKind.COUNT),
)
