"""Checks of what only computes: every instruction, its operands from a table in memory."""

import random
from typing import NamedTuple

from sw_model.isa import decode, encode
from sw_model.isa.disassemble import disassemble
from sw_model.isa.fields import FIELDS
from sw_model.isa.row import Row
from verif.conformance.builder import DATA, FREE, LIMIT, Builder
from verif.conformance.operands import immediates, triples

CORNERS, OTHERS = 8, 60
"""Of instructions without an immediate: pairs of how many corners, how many random operands."""

FEW = 4
"""Operands for each value of an immediate, and for equal registers."""

SMALL_LANES = (0x001F0005, 0x1FE003FE, 0xFFE0FFFE)
"""Values of rs1 whose lanes equal some 6-bit immediate, signed or not."""


class Registers(NamedTuple):
    """Numbers of the registers that an instruction names."""

    rd: int
    rs1: int
    rs2: int


def _distinct(rng: random.Random) -> Registers:
    return Registers(*rng.sample(FREE, 3))


def _equal(rng: random.Random) -> list[Registers]:
    """The ways in which registers can be the same one, or register 0."""
    a, b, c = _distinct(rng)
    return [
        *(Registers(a, a, b), Registers(a, b, a), Registers(a, b, b), Registers(a, a, a)),
        *(Registers(0, b, c), Registers(a, 0, c), Registers(a, b, 0), Registers(0, 0, 0)),
    ]


def _words(row: Row, registers: Registers, rng: random.Random) -> list[int]:
    """The instruction on these registers, with each value of its immediates."""
    names = {n: r for n, r in registers._asdict().items() if n in row.fields}
    fixed = encode(row, **names)
    words = [fixed]
    for name in row.fields:
        if name in names:
            continue
        field = FIELDS[name]
        values = list(immediates(field.width - field.low, field.is_signed, rng))
        choices = [field.put(value << field.low) for value in values]
        if len(words) * len(choices) <= 64:
            words = [word | choice for word in words for choice in choices]
        else:  # a second immediate: all its values, and a few with each value of the first
            every = [rng.choice(words) | choice for choice in choices]
            words = every + [word | c for word in words for c in rng.sample(choices, 4)]
    return words


def cases(row: Row, rng: random.Random) -> list[tuple[list[int], list[tuple[int, int, int]]]]:
    """What one instruction is tried with: words, each with all values of rs1, rs2 and rd."""
    words = _words(row, _distinct(rng), rng)
    few = triples(rng, 0, max(FEW, 300 // len(words)))
    if {"imm6", "uimm6"} & set(row.fields):
        few += [(value, *rng.choice(few)[1:]) for value in SMALL_LANES]
    values = triples(rng, CORNERS, OTHERS) if len(words) == 1 else few
    equal = [rng.choice(_words(row, registers, rng)) for registers in _equal(rng)]
    return [(words, values), (equal, triples(rng, 0, FEW))]


def add(builder: Builder, row: Row, rng: random.Random) -> None:
    """Add all checks of one instruction."""
    for words, values in cases(row, rng):
        _loop(builder, row, words, values)


def _loop(builder: Builder, row: Row, words: list[int], values: list[tuple[int, int, int]]) -> None:
    """A loop over operands, with every word in its body."""
    first = builder.data(*(value for triple in values for value in triple))
    builder.flush()
    builder.load_address(DATA, first)
    builder.load_address(LIMIT, first + 3 * len(values))
    start = builder.here
    for word in words:
        decoded = decode(word)
        # What is loaded last stays when registers are the same.
        for name, place in (("rd", 8), ("rs1", 0), ("rs2", 4)):
            register = getattr(decoded, name)
            if name in row.fields:
                builder.emit("lw", rd=register, rs1=DATA, imm_i=place)
        builder.word(word)
        builder.store(decoded.rd)
    builder.flush()
    builder.emit("addi", rd=DATA, rs1=DATA, imm_i=12)
    builder.emit("beq", rs1=DATA, rs2=LIMIT, imm_b=8)
    builder.emit("jal", imm_j=start - builder.here)
    texts = {word: disassemble(word) for word in words}
    for triple in values:
        for word in words:
            read = operands(row, word, *triple)
            result = row.compute(*read, word) if word >> 7 & 31 else 0
            builder.expect(
                result, "{} (rs1 {:08x}, rs2 {:08x}, rd {:08x})".format(texts[word], *read)
            )


def operands(row: Row, word: int, a: int, b: int, c: int) -> tuple[int, int, int]:
    """Values of rs1, rs2 and rd that an instruction sees after they are loaded with a, b, c."""
    decoded = decode(word)
    registers = {decoded.rd: c}
    if "rs1" in row.fields:
        registers[decoded.rs1] = a
    if "rs2" in row.fields:
        registers[decoded.rs2] = b
    registers[0] = 0
    # What it does not read may be anything.
    rs1, rs2, rd = (registers.get(n, 0) for n in (decoded.rs1, decoded.rs2, decoded.rd))
    return rs1, rs2, rd
