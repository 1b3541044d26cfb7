"""XCVsimd, moving lanes: sections "SIMD Bit Manipulation operations" and "SIMD Shuffle and Pack
operations" of the CV32E40P manual, version 2.

Bits of rs2 and of the immediate that the manual gives no meaning are ignored.
"""

from sw_model.isa import row
from sw_model.isa.bits import join, signed, split
from sw_model.isa.fields import FIELDS
from sw_model.isa.xcv_simd import GROUP, OPCODE, WIDTHS


def _match(code, code3, bit25=0):
    return code << 26 | bit25 << 25 | code3 << 12 | OPCODE


def _immediate(name, code, code3, operation, *, reads_rd=False):
    """rd = operation(rs1, rd, 6-bit immediate)"""

    def compute(rs1, rs2, rs3, word):
        return operation(rs1, rs3, FIELDS["uimm6"].get(word))

    match = _match(code, code3)
    return row.computed(
        name, GROUP, 0xFC00707F, match, "rd, rs1, uimm6", compute, reads_rd=reads_rd
    )


def _register(name, code, code3, operation, *, bit25=0, reads_rd=False):
    """rd = operation(rs1, rs2, rd)"""

    def compute(rs1, rs2, rs3, word):
        return operation(rs1, rs2, rs3)

    match = _match(code, code3, bit25)
    return row.computed(name, GROUP, 0xFE00707F, match, "rd, rs1, rs2", compute, reads_rd=reads_rd)


def _lane_rows(suffix, width):
    """Extract and insert one lane; the immediate's low bits number it."""
    count, byte = 32 // width, width == 8

    def extract(a, rd, index):
        return signed(split(a, width)[index % count], width)

    def extract_unsigned(a, rd, index):
        return split(a, width)[index % count]

    def insert(a, rd, index):
        lanes = split(rd, width)
        lanes[index % count] = a
        return join(lanes, width)

    yield _immediate(f"cv.extract.{suffix}", 0b10111_0, byte, extract)
    yield _immediate(f"cv.extractu.{suffix}", 0b10111_0, 2 + byte, extract_unsigned)
    yield _immediate(f"cv.insert.{suffix}", 0b10111_0, 4 + byte, insert, reads_rd=True)


def _shuffle_rows(suffix, width):
    """Each lane of rs2 chooses a lane of rs1, or of rd and rs1 one after the other."""
    count, byte = 32 // width, width == 8

    def shuffle(a, b, rd):
        lanes = split(a, width)
        return join([lanes[select % count] for select in split(b, width)], width)

    def shuffle2(a, b, rd):
        lanes = split(rd, width) + split(a, width)
        return join([lanes[select % (2 * count)] for select in split(b, width)], width)

    yield _register(f"cv.shuffle.{suffix}", 0b11000_0, byte, shuffle)
    yield _register(f"cv.shuffle2.{suffix}", 0b11100_0, byte, shuffle2, reads_rd=True)


def _shuffle_halves(a, rd, selects):
    lanes = split(a, 16)
    return join([lanes[selects & 1], lanes[selects >> 1 & 1]], 16)


def _shuffle_bytes(top):
    """The upper byte is number `top`; the immediate chooses the other three."""

    def shuffle(a, rd, selects):
        lanes = split(a, 8)
        chosen = [lanes[selects >> shift & 3] for shift in (0, 2, 4)]
        return join([*chosen, lanes[top]], 8)

    return _immediate(f"cv.shuffleI{top}.sci.b", 0b11000_0 + 2 * top, 7, shuffle)


ROWS = (
    *(form for width in WIDTHS for form in _lane_rows(*width)),
    *(form for width in WIDTHS for form in _shuffle_rows(*width)),
    _immediate("cv.shuffle.sci.h", 0b11000_0, 6, _shuffle_halves),
    *(_shuffle_bytes(top) for top in range(4)),
    _register("cv.pack", 0b11110_0, 0, lambda a, b, rd: join([b, a], 16)),
    _register("cv.pack.h", 0b11110_0, 0, lambda a, b, rd: join([b >> 16, a >> 16], 16), bit25=1),
    _register(
        *("cv.packhi.b", 0b11111_0, 1, lambda a, b, rd: join([rd, rd >> 8, b, a], 8)),
        bit25=1,
        reads_rd=True,
    ),
    _register(
        *("cv.packlo.b", 0b11111_0, 1, lambda a, b, rd: join([b, a, rd >> 16, rd >> 24], 8)),
        reads_rd=True,
    ),
)
