"""The model's instruction table against the manual's encodings, the core's table and LLVM."""

import random
import re

import pytest

from hw.config import CORE_GROUPS, CoreConfig
from hw.core.instructions import instructions
from sw_model.isa import decode, encode
from sw_model.isa.disassemble import disassemble
from sw_model.isa.fields import FIELDS
from sw_model.isa.table import TABLE
from verif.lib.assembler import BASE, assemble
from verif.lib.encodings import xcv_encodings

ARCH = "+a, +xcvalu, +xcvbi, +xcvbitmanip, +xcvmac, +xcvmem, +xcvsimd"


def test_the_manuals_encodings():
    manual = sorted((e.mnemonic, e.mask, e.match) for e in xcv_encodings())
    table = sorted((r.name, r.mask, r.match) for r in TABLE if r.group.startswith("xcv"))
    assert table == manual
    assert len(manual) == 319


@pytest.mark.parametrize("group", ["i", *CORE_GROUPS])
def test_the_cores_table(group):
    base = {row.name for row in instructions(CoreConfig.of())}
    rows = instructions(CoreConfig.of(*([] if group == "i" else [group])))
    core = sorted((r.name, r.mask, r.match) for r in rows if group == "i" or r.name not in base)
    assert core == sorted((r.name, r.mask, r.match) for r in TABLE if r.group == group)


def test_rows_do_not_overlap():
    for row in TABLE:
        assert row.match & ~row.mask == 0, row.name
        overlap = [o for o in TABLE if (row.match ^ o.match) & row.mask & o.mask == 0]
        assert overlap == [row], [o.name for o in overlap]


def test_operands_are_what_is_not_fixed():
    free = {"lr.w", "sc.w", "fence", "fence.i", "cv.bitrev", "cv.abs.h", "cv.abs.b"}
    for row in TABLE:
        fields = 0
        for name in row.fields:
            assert FIELDS[name].mask & (row.mask | fields) == 0, (row.name, name)
            fields |= FIELDS[name].mask
        if row.name not in free and not row.name.startswith("amo"):
            assert fields | row.mask == 0xFFFFFFFF, row.name


def random_operands(row, rng):
    operands = {}
    for name in row.fields:
        field = FIELDS[name]
        operands[name] = field.get(field.put(rng.getrandbits(32)))
    return operands


def test_encode_and_decode():
    rng = random.Random(1)
    for row in TABLE:
        for _ in range(5):
            operands = random_operands(row, rng)
            decoded = decode(encode(row, **operands))
            assert decoded.row is row
            assert {name: decoded.operand(name) for name in row.fields} == operands


def test_encode_refuses():
    addi = next(row for row in TABLE if row.name == "addi")
    with pytest.raises(ValueError, match="imm_i of addi is 2048"):
        encode(addi, imm_i=2048)
    with pytest.raises(ValueError, match="addi has no operand rs2; it has rd, rs1, imm_i"):
        encode(addi, rs2=1)


@pytest.mark.parametrize("encoding", xcv_encodings(), ids=lambda e: f"{e.mnemonic} {e.operands}")
def test_disassembly_of_the_examples(encoding):
    if encoding.word is None:
        assert disassemble(encoding.match, BASE).split()[0] == encoding.mnemonic
        return
    example = encoding.example.replace(".+8", f"{BASE + 8:#x}")
    assert disassemble(encoding.word, BASE) == example


LOOP = 4 << 12 | 0x2B
RQ = 5 << 12 | 0x2B


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (6 << 20 | 5 << 15 | 6 << 8 | LOOP, "cv.setupi 0, 6, 0x114"),
        (255 << 20 | 11 << 15 | 7 << 8 | 1 << 7 | LOOP, "cv.setup 1, a1, 0x4fc"),
        (255 << 20 | 0 << 8 | 1 << 7 | LOOP, "cv.starti 1, 0x4fc"),
        (255 << 20 | 1 << 15 | LOOP, ".word 0x0ff0c02b"),
        (7 << 25 | 12 << 20 | 11 << 15 | 10 << 7 | RQ, "heed.rq a0, a1, a2, 3, u"),
        (12 << 20 | 11 << 15 | 10 << 7 | RQ, "heed.rq a0, a1, a2, 0, s"),
        (8 << 25 | RQ, ".word 0x1000502b"),
        (0, ".word 0x00000000"),
    ],
)
def test_disassembly_of_what_no_assembler_knows(word, text):
    assert disassemble(word, 0x100) == text


def accepted_bits(row):
    """How many bits of its unsigned 6-bit immediate LLVM lets an instruction use."""
    found = re.search(r"cv\.(extractu?|insert|shuffle|srl|sra|sll)\.(?:sci\.)?([hb])", row.name)
    if not found:
        return 6
    byte = found[2] == "b"
    if found[1] == "shuffle":
        return 2
    return (3 if byte else 4) if found[1] in ("srl", "sra", "sll") else (2 if byte else 1)


def samples():
    """Every instruction that LLVM knows, with random operands that it accepts."""
    rng = random.Random(2)
    for row in TABLE:
        if row.group in ("xcv_hwlp", "xheed") or row.name in ("cv.adduNr", "cv.addRNr"):
            continue
        for _ in range(4):
            operands = random_operands(row, rng)
            if "uimm6" in operands:
                operands["uimm6"] &= (1 << accepted_bits(row)) - 1
            if "group" in operands:
                operands["group"] %= 3
            if "imm_b" in operands or "imm_j" in operands:
                operands["imm_b" if "imm_b" in operands else "imm_j"] = 2 * rng.randrange(1000)
            if "pred" in operands:
                operands["pred"] |= 8
                operands["succ"] |= 4
            yield encode(row, **operands)


def test_llvm_assembles_the_disassembly_to_the_same_words():
    words = list(samples())
    text = [disassemble(word) for word in words]  # at 0, where targets are what LLVM calls offsets
    image = assemble("\n".join([f".option arch, {ARCH}", ".option norelax", *text]))
    assembled = memoryview(image.data).cast("I")
    for n, word in enumerate(words):
        assert assembled[n] == word, text[n]
