"""Each instruction of the simulator against the Python model, which was written by itself."""

import random

import pytest

from heed.doctor import build_folder
from hw.config import CORE_GROUPS, ClusterConfig, CoreConfig
from sw_model.isa.decode import decode
from sw_model.isa.table import TABLE
from sw_model.iss import Iss

CORNERS = (0, 1, 0x7F, 0x80, 0xFF80, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
CORNERS += (0x80008000, 0x80808080, 0x7FFF8000)
COMPUTED = [row for row in TABLE if row.compute]
ILLEGAL = 2


def make_iss(core: CoreConfig) -> Iss:
    return Iss(ClusterConfig(core=core, main_bytes=1 << 20), build_folder() / "iss")


@pytest.fixture(scope="module")
def iss():
    return make_iss(CoreConfig())


def random_value(source: random.Random) -> int:
    kind = source.randrange(4)
    if kind == 0:
        return source.choice(CORNERS)
    if kind == 1:
        return source.getrandbits(6)
    if kind == 2:
        return -source.getrandbits(source.choice((4, 8, 16))) & 0xFFFFFFFF
    return source.getrandbits(32)


def random_word(row, source: random.Random) -> int:
    """A word that is decoded as that row's: rows may overlap, the first one counts."""
    while True:
        word = row.match | source.getrandbits(32) & ~row.mask
        if decode(word).row is row:
            return word


def row_rs2(row) -> int:
    """The field of rs2, where the instruction has one."""
    return 31 << 20 if "rs2" in row.fields else 0


@pytest.mark.parametrize("row", COMPUTED, ids=lambda row: f"{row.name} {row.match:08x}")
def test_result(iss, row):
    """What an instruction computes, with fields and registers at random."""
    source = random.Random(row.match)
    for number in range(40 + len(CORNERS) ** 2):
        word = random_word(row, source)
        before = [0] + [random_value(source) for _ in range(31)]
        if number >= 40:  # every pair of corners
            pair = divmod(number - 40, len(CORNERS))
            word = word & ~(31 << 15 | row_rs2(row)) | 5 << 15 | 6 << 20 & row_rs2(row)
            before[5:7] = [CORNERS[place] for place in pair]
        rd = word >> 7 & 31
        result = row.compute(before[word >> 15 & 31], before[word >> 20 & 31], before[rd], word)
        expected = before[:rd] + [result if rd else 0] + before[rd + 1 :]
        record, after = iss.execute(word, before)
        assert after == expected, f"{word:08x}"
        assert (record.trap, record.next_pc, record.insn) == (0, 4, word)
        assert (record.rd_addr, record.rd_wdata) == (rd, result if rd else 0)


def test_rows_are_covered():
    assert len(COMPUTED) > 300


def is_legal(word: int, groups: set[str]) -> bool:
    decoded = decode(word)
    return decoded is not None and decoded.row.group in groups


@pytest.mark.parametrize("core", (CoreConfig(), CoreConfig.of(), CoreConfig.of("m", "xcv_simd")))
def test_legality(core):
    """The same words are instructions; CSR instructions are checked where CSRs are."""
    iss = make_iss(core)
    groups = {"i", *core.groups}
    source = random.Random(5)
    opcodes = [row.match & 0x7F for row in TABLE]
    legal = 0
    for number in range(20_000):
        word = source.getrandbits(32)
        if number % 4:
            word = word & ~0x7F | source.choice(opcodes)
        if word & 0x7F == 0x73 and word >> 12 & 3:
            continue
        record, _ = iss.execute(word, [0] * 32)
        expected = is_legal(word, groups)
        legal += expected
        assert (record.trap and record.cause == ILLEGAL) == (not expected), f"{word:08x}"
    assert legal > 500


@pytest.mark.parametrize("group", CORE_GROUPS)
def test_without_a_group(group):
    """A core without an extension has none of its instructions, and all others."""
    iss = make_iss(CoreConfig(**{group: False}))
    source = random.Random(group)
    for row in TABLE:
        word = random_word(row, source)
        if row.name.startswith("csr"):
            continue
        record, _ = iss.execute(word, [0] * 32)
        illegal = bool(record.trap and record.cause == ILLEGAL)
        assert illegal == (row.group == group), row.name


def test_a_trap_writes_nothing(iss):
    registers = list(range(32))
    record, after = iss.execute(0xFFFFFFFF, registers)
    assert after == registers
    assert (record.trap, record.cause, record.rd_addr, record.next_pc) == (1, ILLEGAL, 0, 0)
