"""XCVsimd, lane by lane: sections "SIMD ALU operations" and "SIMD Comparison operations" of the
CV32E40P manual, version 2.

Each operation has six forms: on halves or bytes, and with the second operand a vector (rs2), rs2's
lowest lane in every lane (`.sc`), or a 6-bit immediate in every lane (`.sci`). The immediate is
signed or unsigned as the operation is.

Choices where the manual leaves something open:

- The immediate of the unsigned comparisons is unsigned; that of `or`, `xor`, `and`, `cmpeq` and
  `cmpne` is signed.
- Shift amounts are the low 3 (bytes) or 4 (halves) bits of each lane of the second operand; its
  other bits are ignored.
- The averages cut the sum to the lane's width before they shift it.
- `cv.abs` of the most negative number is that number. The bits of its rs2 field do not matter.
"""

from sw_model.isa import row
from sw_model.isa.bits import join, ones, replicate, signed, split
from sw_model.isa.fields import FIELDS

GROUP = "xcv_simd"
OPCODE = 0x7B

SIGNED, UNSIGNED = True, False

OPERATIONS = (
    ("add", 0b00000_0, SIGNED, lambda a, b, width: a + b),
    ("sub", 0b00001_0, SIGNED, lambda a, b, width: a - b),
    ("avg", 0b00010_0, SIGNED, lambda a, b, width: signed(a + b, width) >> 1),
    ("avgu", 0b00011_0, UNSIGNED, lambda a, b, width: (a + b & ones(width)) >> 1),
    ("min", 0b00100_0, SIGNED, lambda a, b, width: min(a, b)),
    ("minu", 0b00101_0, UNSIGNED, lambda a, b, width: min(a, b)),
    ("max", 0b00110_0, SIGNED, lambda a, b, width: max(a, b)),
    ("maxu", 0b00111_0, UNSIGNED, lambda a, b, width: max(a, b)),
    ("srl", 0b01000_0, UNSIGNED, lambda a, b, width: a >> b % width),
    ("sra", 0b01001_0, UNSIGNED, lambda a, b, width: signed(a, width) >> b % width),
    ("sll", 0b01010_0, UNSIGNED, lambda a, b, width: a << b % width),
    ("or", 0b01011_0, SIGNED, lambda a, b, width: a | b),
    ("xor", 0b01100_0, SIGNED, lambda a, b, width: a ^ b),
    ("and", 0b01101_0, SIGNED, lambda a, b, width: a & b),
    ("cmpeq", 0b00000_1, SIGNED, lambda a, b, width: -(a == b)),
    ("cmpne", 0b00001_1, SIGNED, lambda a, b, width: -(a != b)),
    ("cmpgt", 0b00010_1, SIGNED, lambda a, b, width: -(a > b)),
    ("cmpge", 0b00011_1, SIGNED, lambda a, b, width: -(a >= b)),
    ("cmplt", 0b00100_1, SIGNED, lambda a, b, width: -(a < b)),
    ("cmple", 0b00101_1, SIGNED, lambda a, b, width: -(a <= b)),
    ("cmpgtu", 0b00110_1, UNSIGNED, lambda a, b, width: -(a > b)),
    ("cmpgeu", 0b00111_1, UNSIGNED, lambda a, b, width: -(a >= b)),
    ("cmpltu", 0b01000_1, UNSIGNED, lambda a, b, width: -(a < b)),
    ("cmpleu", 0b01001_1, UNSIGNED, lambda a, b, width: -(a <= b)),
)
"""Name, bits 31:26, whether the lanes are signed, and a lane's result."""

MODES = (("", 0b000), (".sc", 0b100), (".sci", 0b110))
"""Forms of the second operand, and funct3 without its lowest bit (bytes)."""

WIDTHS = (("h", 16), ("b", 8))


def second_operand(mode: str, width: int, immediate: str, rs2: int, word: int) -> int:
    """The second operand as a vector; `immediate` is the field that `.sci` reads."""
    if mode == ".sci":
        return replicate(FIELDS[immediate].get(word), width)
    return replicate(rs2, width) if mode == ".sc" else rs2


def forms(name, code, immediate, operation, *, reads_rd=False):
    """The six rows of a vector operation: operation(a, b, rd, width)."""
    for mode, mode3 in MODES:
        for suffix, width in WIDTHS:
            mask = 0xFC00707F if mode == ".sci" else 0xFE00707F
            match = code << 26 | (mode3 | (width == 8)) << 12 | OPCODE
            operands = f"rd, rs1, {immediate if mode == '.sci' else 'rs2'}"

            def compute(rs1, rs2, rs3, word, mode=mode, width=width):
                b = second_operand(mode, width, immediate, rs2, word)
                return operation(rs1, b, rs3, width)

            yield row.computed(
                *(f"cv.{name}{mode}.{suffix}", GROUP, mask, match, operands, compute),
                reads_rd=reads_rd,
            )


def _lanewise(name, code, is_signed, operation):
    def vector(a, b, rd, width):
        pairs = zip(split(a, width, is_signed), split(b, width, is_signed), strict=True)
        return join([operation(x, y, width) for x, y in pairs], width)

    return forms(name, code, "imm6" if is_signed else "uimm6", vector)


def _abs(suffix, width):
    def compute(rs1, rs2, rs3, word):
        return join([abs(lane) for lane in split(rs1, width, True)], width)

    match = 0b01110_0 << 26 | (width == 8) << 12 | OPCODE
    return row.computed(f"cv.abs.{suffix}", GROUP, 0xFE00707F, match, "rd, rs1", compute)


ROWS = (
    *(form for operation in OPERATIONS for form in _lanewise(*operation)),
    *(_abs(*width) for width in WIDTHS),
)
