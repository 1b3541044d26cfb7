"""XCVhwlp: section "Hardware Loops" of the CV32E40P manual, version 2.

What a loop does when its last instruction retires is in `loops.py`.
"""

from sw_model.isa.fields import FIELDS
from sw_model.isa.row import Row

GROUP = "xcv_hwlp"
_MATCH = 4 << 12 | 0x2B


def _address(name):
    """The address that an operand gives, relative to the instruction."""
    return lambda hart, i: hart.pc + FIELDS[name].get(i.word)


def _rs1(hart, i):
    return hart.x[i.rs1]


def _count(hart, i):
    return FIELDS["count"].get(i.word)


def _row(name, code, mask, operands, **values):
    """A row whose instruction sets what `values` name, by functions of hart and instruction."""

    def execute(hart, i):
        new = {name: value(hart, i) for name, value in values.items()}
        hart.set_loop(FIELDS["loop"].get(i.word), **new)

    return Row(name, GROUP, mask, code << 8 | _MATCH, operands, execute)


def _next(hart, i):
    return hart.pc + 4


_IMMEDIATE, _REGISTER, _BOTH = 0x000FFF7F, 0xFFF07F7F, 0x00007F7F

ROWS = (
    _row("cv.starti", 0, _IMMEDIATE, "loop, far", start=_address("far")),
    _row("cv.start", 1, _REGISTER, "loop, rs1", start=_rs1),
    _row("cv.endi", 2, _IMMEDIATE, "loop, far", end=_address("far")),
    _row("cv.end", 3, _REGISTER, "loop, rs1", end=_rs1),
    _row("cv.counti", 4, _IMMEDIATE, "loop, count", count=_count),
    _row("cv.count", 5, _REGISTER, "loop, rs1", count=_rs1),
    _row(
        "cv.setupi", 6, _BOTH, "loop, count, near", start=_next, end=_address("near"), count=_count
    ),
    _row("cv.setup", 7, _BOTH, "loop, rs1, far", start=_next, end=_address("far"), count=_rs1),
)
