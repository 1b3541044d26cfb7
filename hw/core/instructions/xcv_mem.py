"""XCVmem: loads and stores with post-increment, and with a register as offset."""

from hw.core.instructions.format import Format, Instruction
from hw.core.types import ImmediateFormat, Offset, Unit

LOAD_IMMEDIATE = Format(post=True, reads_rs1=True, writes_rd=True)
LOAD_REGISTER = Format(offset=Offset.RS2, reads_rs1=True, reads_rs2=True, writes_rd=True)
STORE_IMMEDIATE = Format(immediate=ImmediateFormat.S, post=True, reads_rs1=True, reads_rs2=True)
STORE_REGISTER = Format(offset=Offset.RS3, reads_rs1=True, reads_rs2=True, reads_rs3=True)

_LOADS = {"cv.lb": 0, "cv.lbu": 4, "cv.lh": 1, "cv.lhu": 5, "cv.lw": 2}
"""funct3 of the base's loads: size in bits 1:0, bit 2 unsigned."""
_STORES = {"cv.sb": 0, "cv.sh": 1, "cv.sw": 2}


def _immediate(name, op, opcode, form, unit):
    return Instruction(name, f"------- ----- ----- {op:03b} ----- {opcode}", form, unit, op)


def _register(name, op, form, unit, post):
    store = int(unit is Unit.STORE)
    funct7 = f"00{store}{op >> 2}{int(not post)}{op & 3:02b}"
    pattern = f"{funct7} ----- ----- 011 ----- 0101011"
    return Instruction(name, pattern, form._replace(post=post), unit, op)


INSTRUCTIONS = (
    *(_immediate(n, op, "0001011", LOAD_IMMEDIATE, Unit.LOAD) for n, op in _LOADS.items()),
    *(_immediate(n, op, "0101011", STORE_IMMEDIATE, Unit.STORE) for n, op in _STORES.items()),
    *(
        _register(name, op, LOAD_REGISTER, Unit.LOAD, post)
        for post in (True, False)
        for name, op in _LOADS.items()
    ),
    *(
        _register(name, op, STORE_REGISTER, Unit.STORE, post)
        for post in (True, False)
        for name, op in _STORES.items()
    ),
)
