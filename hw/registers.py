"""The vocabulary of `regmap`: fields, registers, blocks of registers, and layouts in memory."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """Bits of a register or of a layout's word.

    Parameters
    ----------
    name : str
    low, width : int
        Position of the lowest bit, and number of bits.
    doc : str
        One sentence.
    values : type of enum or None
        Names of the values, where they have some.
    signed : bool
        Two's complement.
    """

    name: str
    low: int
    width: int
    doc: str
    values: type | None = None
    signed: bool = False

    @property
    def mask(self):
        """Mask of the field in place."""
        return ((1 << self.width) - 1) << self.low

    def encode(self, value):
        """Return `value` in place; ValueError names the field when it does not fit."""
        value = int(value)
        low = -(1 << (self.width - 1)) if self.signed else 0
        high = (1 << (self.width - (1 if self.signed else 0))) - 1
        if not low <= value <= high:
            raise ValueError(f"field {self.name} is {value}, but must be from {low} to {high}")
        return (value << self.low) & self.mask

    def decode(self, word):
        """Return the field's value in `word`."""
        value = (word & self.mask) >> self.low
        if self.signed and value >> (self.width - 1):
            value -= 1 << self.width
        return value


@dataclass(frozen=True)
class Register:
    """One 32-bit register, or an array of `count` of them, 4 * `stride_words` bytes apart.

    `access`: "rw" is stored in the bank; "ro" shows what hardware drives; "wo" hands each written
    word to hardware with a strobe and reads as 0; "w1c" is hardware's, and hardware gets a strobe
    with the bits to clear.
    """

    name: str
    offset: int
    access: str
    doc: str
    fields: tuple[Field, ...] = ()
    reset: int = 0
    count: int = 1
    stride_words: int = 1

    def __post_init__(self):
        if self.access not in ("ro", "rw", "wo", "w1c"):
            raise ValueError(f"register {self.name}: access is {self.access!r}")

    def address(self, index=0):
        """Offset of element `index` within the block."""
        if not 0 <= index < self.count:
            raise ValueError(f"register {self.name}: index {index} not in 0..{self.count - 1}")
        return self.offset + 4 * self.stride_words * index


@dataclass(frozen=True)
class Block:
    """The registers of one 4 KiB device window, `offset` bytes from the devices' base.

    `built` is false for devices whose layout is fixed but which no hardware answers for yet: an
    access to them is an access fault.
    """

    name: str
    offset: int
    doc: str
    registers: tuple[Register, ...]
    built: bool = True

    def __getitem__(self, name):
        for register in self.registers:
            if register.name == name:
                return register
        raise KeyError(f"block {self.name} has no register {name}")


@dataclass(frozen=True)
class Layout:
    """A structure in memory: `words` words of `word_bits` bits, little-endian.

    `fields` holds pairs of word index and Field; the bits that no field covers are reserved.
    """

    name: str
    doc: str
    word_bits: int
    words: int
    fields: tuple[tuple[int, Field], ...]

    @property
    def bytes(self):
        """Size in bytes."""
        return self.words * self.word_bits // 8

    @property
    def names(self):
        """Names of all fields, in order."""
        return tuple(field.name for _, field in self.fields)

    def reserved_mask(self, word):
        """Mask of the reserved bits of word number `word`."""
        mask = (1 << self.word_bits) - 1
        for index, field in self.fields:
            if index == word:
                mask &= ~field.mask
        return mask

    def pack(self, **values):
        """Return the structure's bytes; fields not given are 0.

        Raises
        ------
        ValueError
            For an unknown field or a value that does not fit; names it and what is allowed.
        """
        words = [0] * self.words
        for index, field in self.fields:
            words[index] |= field.encode(values.pop(field.name, 0))
        if values:
            raise ValueError(f"{self.name} has no field called {', '.join(values)}")
        size = self.word_bits // 8
        return b"".join(word.to_bytes(size, "little") for word in words)

    def unpack(self, raw):
        """Return a dict of field values from `bytes` bytes."""
        if len(raw) != self.bytes:
            raise ValueError(f"{self.name} takes {self.bytes} bytes, not {len(raw)}")
        size = self.word_bits // 8
        words = [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw), size)]
        return {field.name: field.decode(words[index]) for index, field in self.fields}
