"""XCVbitmanip: section "Bit Manipulation operations" of the CV32E40P manual, version 2.

A field is `size + 1` bits from bit `low` on, and ends at bit 31 at the latest. The immediate forms
have size in Is3 and low in Is2, the register forms in rs2[9:5] and rs2[4:0].

Choices where the manual leaves something open:

- A field to insert that would reach beyond bit 31 is cut there.
- `cv.bitrev` looks at the low two bits of Is3 only; 3 is like 0.
- `cv.ror` looks at the low five bits of rs2 only.
- `cv.clb` of -1 is 31.
"""

from sw_model.isa import row
from sw_model.isa.bits import MASK, ones, signed
from sw_model.isa.fields import FIELDS

GROUP = "xcv_bitmanip"


def field(size: int, low: int) -> int:
    """The bits of a field."""
    return ones(size + 1) << low & MASK


def extract(a: int, rd: int, size: int, low: int) -> int:
    return signed(a >> low, min(size + 1, 32 - low))


def extract_unsigned(a: int, rd: int, size: int, low: int) -> int:
    return a >> low & ones(size + 1)


def insert(a: int, rd: int, size: int, low: int) -> int:
    bits = field(size, low)
    return rd & ~bits | a << low & bits


def clear(a: int, rd: int, size: int, low: int) -> int:
    return a & ~field(size, low)


def set_bits(a: int, rd: int, size: int, low: int) -> int:
    return a | field(size, low)


def bit_reverse(value: int, group: int, drop: int) -> int:
    """Shift `drop` bits out at the top, then reverse the order of groups of `group + 1` bits.

    The groups are counted from the top; bits below the last whole group are lost.
    """
    width = 1 if group == 3 else group + 1
    value = value << drop & MASK
    count = 32 // width
    groups = [value >> 32 - width * (n + 1) & ones(width) for n in range(count)]
    return sum(bits << width * n for n, bits in enumerate(groups))


def first_one(a: int) -> int:
    return (a & -a).bit_length() - 1 if a else 32


def last_one(a: int) -> int:
    return a.bit_length() - 1 if a else 32


def leading_bits(a: int) -> int:
    """How many bits after the first one are like it; 0 for 0."""
    return 31 - (a ^ MASK if a >> 31 else a).bit_length() if a else 0


def rotate_right(a: int, b: int) -> int:
    amount = b & 31
    return a >> amount | a << 32 - amount


def _immediate(name, code3, code2, operation, *, reads_rd=False):
    def compute(rs1, rs2, rs3, word):
        return operation(rs1, rs3, FIELDS["is3"].get(word), FIELDS["is2"].get(word))

    match = code2 << 30 | code3 << 12 | 0x5B
    operands = "rd, rs1, is3, is2"
    return row.computed(name, GROUP, 0xC000707F, match, operands, compute, reads_rd=reads_rd)


def _register(name, code7, operation, *, reads_rd=False):
    def with_rd(rs1, rs2, rs3):
        return operation(rs1, rs3, rs2 >> 5 & 31, rs2 & 31)

    def without_rd(rs1, rs2):
        return operation(rs1, 0, rs2 >> 5 & 31, rs2 & 31)

    compute = with_rd if reads_rd else without_rd
    return row.register(name, GROUP, 0x2B, 3, code7, compute, reads_rd=reads_rd)


def _unary(name, code7, operation):
    return row.unary(name, GROUP, 0x2B, 3, code7, operation)


def _bitrev(rs1, rs2, rs3, word):
    return bit_reverse(rs1, FIELDS["group"].get(word), FIELDS["is2"].get(word))


ROWS = (
    _immediate("cv.extract", 0, 0, extract),
    _immediate("cv.extractu", 0, 1, extract_unsigned),
    _immediate("cv.insert", 0, 2, insert, reads_rd=True),
    _immediate("cv.bclr", 1, 0, clear),
    _immediate("cv.bset", 1, 1, set_bits),
    row.computed("cv.bitrev", GROUP, 0xC000707F, 0xC000105B, "rd, rs1, group, is2", _bitrev),
    _register("cv.extractr", 0x18, extract),
    _register("cv.extractur", 0x19, extract_unsigned),
    _register("cv.insertr", 0x1A, insert, reads_rd=True),
    _register("cv.bclrr", 0x1C, clear),
    _register("cv.bsetr", 0x1D, set_bits),
    row.register("cv.ror", GROUP, 0x2B, 3, 0x20, rotate_right),
    _unary("cv.ff1", 0x21, first_one),
    _unary("cv.fl1", 0x22, last_one),
    _unary("cv.clb", 0x23, leading_bits),
    _unary("cv.cnt", 0x24, int.bit_count),
)
