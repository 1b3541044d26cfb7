"""Where the operands lie in an instruction word."""

from dataclasses import dataclass

from sw_model.isa.bits import ones, signed


@dataclass(frozen=True)
class Field:
    """An operand's place.

    Parameters
    ----------
    slices : tuple of (int, int, int)
        Lowest bit of the operand, number of bits, lowest bit in the word.
    is_signed : bool
        Whether the operand is two's complement.
    kind : str
        How it is written: `register`, `integer`, `hex`, `target` (an address relative to the
        instruction), `csr`, `order` (accesses of a fence) or `sign` (s or u).
    scale : int
        What the field's value is multiplied with to give the operand.
    """

    slices: tuple[tuple[int, int, int], ...]
    is_signed: bool = False
    kind: str = "integer"
    scale: int = 1

    @property
    def width(self) -> int:
        """Bits of the operand, the fixed low ones included."""
        return max(low + bits for low, bits, _ in self.slices)

    @property
    def low(self) -> int:
        """Lowest bit of the operand that can be 1."""
        return min(low for low, _, _ in self.slices)

    @property
    def mask(self) -> int:
        """Its bits in the word."""
        return sum(ones(bits) << place for _, bits, place in self.slices)

    def get(self, word: int) -> int:
        """The operand in a word."""
        value = 0
        for low, bits, place in self.slices:
            value |= (word >> place & (1 << bits) - 1) << low
        return (signed(value, self.width) if self.is_signed else value) * self.scale

    def put(self, value: int) -> int:
        """The bits of a word that say this operand; bits that do not fit are dropped."""
        value, word = value // self.scale, 0
        for low, bits, place in self.slices:
            word |= (value >> low & (1 << bits) - 1) << place
        return word


FIELDS = {
    "rd": Field(((0, 5, 7),), kind="register"),
    "rs1": Field(((0, 5, 15),), kind="register"),
    "rs2": Field(((0, 5, 20),), kind="register"),
    "rs3": Field(((0, 5, 7),), kind="register"),
    "imm_i": Field(((0, 12, 20),), is_signed=True),
    "imm_s": Field(((0, 5, 7), (5, 7, 25)), is_signed=True),
    "imm_b": Field(((1, 4, 8), (5, 6, 25), (11, 1, 7), (12, 1, 31)), True, "target"),
    "imm_u": Field(((12, 20, 12),), is_signed=True, kind="hex"),
    "imm_j": Field(((1, 10, 21), (11, 1, 20), (12, 8, 12), (20, 1, 31)), True, "target"),
    "shamt": Field(((0, 5, 20),)),
    "csr": Field(((0, 12, 20),), kind="csr"),
    "zimm": Field(((0, 5, 15),)),
    "pred": Field(((0, 4, 24),), kind="order"),
    "succ": Field(((0, 4, 20),), kind="order"),
    "imm5": Field(((0, 5, 20),), is_signed=True),
    "is2": Field(((0, 5, 20),)),
    "is3": Field(((0, 5, 25),)),
    "group": Field(((0, 2, 25),)),
    "imm6": Field(((0, 1, 25), (1, 5, 20)), is_signed=True),
    "uimm6": Field(((0, 1, 25), (1, 5, 20))),
    "loop": Field(((0, 1, 7),)),
    "count": Field(((0, 12, 20),)),
    "near": Field(((0, 5, 15),), kind="target", scale=4),
    "far": Field(((0, 12, 20),), kind="target", scale=4),
    "lane": Field(((0, 2, 25),)),
    "clip": Field(((0, 1, 27),), kind="sign"),
}
"""Every operand by its name in the rows' `operands`."""

imm_i = FIELDS["imm_i"].get
imm_s = FIELDS["imm_s"].get
imm_b = FIELDS["imm_b"].get
imm_u = FIELDS["imm_u"].get
imm_j = FIELDS["imm_j"].get
