"""Random programs on the simulator and on the Python model: the same records, one by one."""

import random
import shutil
from collections import Counter

import pytest

from heed.doctor import build_folder
from hw.config import MAIN_BASE, TCDM_BASE, ClusterConfig, TcdmConfig
from sw_model.isa.decode import decode, encode
from sw_model.isa.fields import FIELDS
from sw_model.isa.hart import Hart
from sw_model.isa.memory import FlatMemory, MemoryMap
from sw_model.isa.retired import Retired
from sw_model.isa.table import TABLE
from sw_model.iss import Iss, build

CONFIG = ClusterConfig(
    workers=1, control_core=False, tcdm=TcdmConfig(banks=2, bank_bytes=4096), main_bytes=1 << 20
)
ROWS = {}
for _row in TABLE:
    ROWS.setdefault(_row.name, []).append(_row)
NOT_RANDOM = {"wfi", "mret", "jalr", "fence.i", "cv.start", "cv.end", "cv.setupi"}
CSRS = (
    0x300,
    0x300,
    0x300,
    0x300,
    0x301,
    0x304,
    0x310,
    0x323,
    0x340,
    0x342,
    0x343,
    0x344,
    0x3A0,
    0x7C0,
)
CSRS += (0xB1F, 0xCC0, 0xCC1, 0xCC2, 0xCC3, 0xCC4, 0xCC5, 0xCC6, 0xF11, 0xF14, 0xB02, 0xC02)
HANDLER = MAIN_BASE + 0x10000
SCRATCH = 31  # of the handler


def op(name: str, **operands: int) -> int:
    return encode(ROWS[name][0], **operands)


# Returns behind what trapped; a fetch that failed goes back to where ra points.
HANDLER_CODE = [
    op("csrrw", rd=SCRATCH, csr=0x340, rs1=SCRATCH),
    op("csrrs", rd=SCRATCH, csr=0x300),
    op("csrrs", rd=SCRATCH, csr=0x341),
    op("addi", rd=SCRATCH, rs1=SCRATCH, imm_i=4),
    op("csrrw", csr=0x341, rs1=SCRATCH),
    op("csrrw", rd=SCRATCH, csr=0x340, rs1=SCRATCH),
    op("mret"),
]


class Generator:
    """Writes programs of all instructions, with addresses that mean something mostly."""

    def __init__(self, seed: int):
        self._source = random.Random(seed)

    def program(self, length: int) -> list[int]:
        words = [*self._set(SCRATCH, HANDLER), op("csrrw", csr=0x305, rs1=SCRATCH)]
        for register in range(1, 31):
            words += self._set(register, self._source.getrandbits(32))
        while len(words) < length:
            words += self._next()
        return words

    def _set(self, register: int, value: int) -> list[int]:
        low = (value & 0xFFF ^ 0x800) - 0x800
        return [
            op("lui", rd=register, imm_u=(value - low) & 0xFFFFF000),
            op("addi", rd=register, rs1=register, imm_i=low),
        ]

    def _next(self) -> list[int]:
        row = self._source.choice(TABLE)
        name = row.name
        if name in NOT_RANDOM:
            return self._special(name)
        word = row.match | self._source.getrandbits(32) & ~row.mask
        if row.group == "i" and row.fields and "csr" in row.fields:
            return [word & 0xFFFFF | self._source.choice(CSRS) << 20]
        if "imm_b" in row.fields or "imm_j" in row.fields:
            return [self._near(row, word)]
        if row.group == "xcv_hwlp":
            return [self._loop(row)]
        if row.compute is None and "rs1" in row.fields:
            return self._access(row, word)
        return [word]

    def _special(self, name: str) -> list[int]:
        source = self._source
        rs1 = source.randrange(1, 31)
        if name == "jalr":
            offset = source.choice((8, 12, 16, 9, 10))
            return [
                op("auipc", rd=rs1),
                op("jalr", rd=source.randrange(31), rs1=rs1, imm_i=offset),
                op("addi", rd=1, rs1=1, imm_i=1),
                op("addi", rd=2, rs1=2, imm_i=1),
            ]
        if name in ("cv.start", "cv.end"):
            return [
                op("auipc", rd=rs1),
                op("addi", rd=rs1, rs1=rs1, imm_i=source.randrange(0, 40)),
                op(name, rs1=rs1, loop=source.randrange(2)),
            ]
        if name == "cv.setupi":  # both loops end at the same place
            counts = [source.randrange(4) for _ in range(2)]
            return [
                op(name, loop=1, count=counts[1], near=16),
                op(name, loop=0, count=counts[0], near=12),
                op("addi", rd=1, rs1=1, imm_i=1),
                op("addi", rd=2, rs1=2, imm_i=1),
            ]
        return [op("fence.i")]

    def _near(self, row, word: int) -> int:
        """A branch or jump a few instructions forward; sometimes to half an instruction."""
        values = {name: FIELDS[name].get(word) for name in row.fields}
        name = "imm_b" if "imm_b" in values else "imm_j"
        values[name] = self._source.choice((4, 8, 12, 16, 20, 6))
        return encode(row, **values)

    def _loop(self, row) -> int:
        """Short bodies, few rounds."""
        source = self._source
        values = {"loop": source.randrange(2)}
        if "near" in row.fields:
            values["near"] = 4 * source.randrange(1, 6)
        if "far" in row.fields:
            values["far"] = 4 * source.randrange(1, 6)
        if "count" in row.fields:
            values["count"] = source.randrange(4)
        if "rs1" in row.fields:
            values["rs1"] = source.choice((0, 0, source.randrange(32)))
        return encode(row, **values)

    def _access(self, row, word: int) -> list[int]:
        """A base in a memory or beside it; offsets in registers are small."""
        source = self._source
        rs1 = word >> 15 & 31
        size = source.choice((1, 2, 4, 4, 4))
        if not rs1 or row.name in ("ecall", "ebreak"):
            return [word]
        base = source.choice((TCDM_BASE, TCDM_BASE, MAIN_BASE + 0x20000, TCDM_BASE + 0x1FF0))
        words = self._set(rs1, base + size * source.randrange(64))
        for name, place in (("rs2", 20), ("rs3", 7)):
            register = word >> place & 31
            if name in row.fields and register != rs1 and source.random() < 0.5:
                words.append(op("addi", rd=register, imm_i=4 * source.randrange(-8, 16)))
        if "imm_i" in row.fields:
            word = word & 0xFFFFF | size * source.randrange(32) << 20
        return [*words, word]


class _Enough(Exception):
    pass


def simulate(memory: dict[int, bytes], entry: int, most: int) -> tuple[list[Retired], list[bytes]]:
    """Run on the simulator; return records and the memories' contents afterwards."""
    iss = Iss(CONFIG, build_folder() / "iss")
    for address, data in memory.items():
        iss.write(address, data)
    records = []

    def trace(hart, record):
        records.append(Retired(*(getattr(record, name) for name in Retired._fields)))
        if len(records) == most:
            raise _Enough

    with pytest.raises(_Enough):
        iss.run(entry, trace=trace, max_cycles=1_000_000)
    areas = ((TCDM_BASE, CONFIG.tcdm.bytes), (MAIN_BASE, CONFIG.main_bytes))
    return records, [iss.read(*area) for area in areas]


def model(memory: dict[int, bytes], entry: int, most: int) -> tuple[list[Retired], list[bytes]]:
    """The same on the Python model."""
    tcdm = FlatMemory(TCDM_BASE, bytes(CONFIG.tcdm.bytes))
    main = FlatMemory(MAIN_BASE, bytes(CONFIG.main_bytes))
    for address, data in memory.items():
        region = tcdm if tcdm.holds(address) else main
        region.data[address - region.base : address - region.base + len(data)] = data
    hart = Hart(MemoryMap(tcdm, main), entry)
    records = [hart.step() for _ in range(most)]
    return records, [bytes(tcdm.data), bytes(main.data)]


def image(seed: int, entry: int, length: int) -> dict[int, bytes]:
    source = random.Random(seed)
    # What is behind the program jumps to itself.
    words = [*Generator(seed).program(length), *[op("jal", imm_j=0)] * 8]
    return {
        TCDM_BASE: source.randbytes(CONFIG.tcdm.bytes),
        MAIN_BASE + 0x20000: source.randbytes(1024),
        entry: b"".join(word.to_bytes(4, "little") for word in words),
        HANDLER: b"".join(word.to_bytes(4, "little") for word in HANDLER_CODE),
    }


SEEDS = range(12)
LENGTH, RECORDS = 1500, 3000


def agree(seed: int) -> Counter:
    """Compare a program; return how often each row of the table retired."""
    entry = MAIN_BASE if seed % 4 else TCDM_BASE + 0x800
    memory = image(seed, entry, LENGTH)
    records, memories = simulate(memory, entry, RECORDS)
    expected, expected_memories = model(memory, entry, RECORDS)
    for number, (found, wanted) in enumerate(zip(records, expected, strict=True)):
        assert found == wanted, f"record {number}"
    assert memories == expected_memories
    return Counter(decode(record.insn).row for record in records if not record.trap)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_program(seed):
    agree(seed)


def test_every_instruction_is_in_some_program():
    """But for those that always trap, and wfi, which would never end."""
    words = [word for seed in SEEDS for word in Generator(seed).program(LENGTH)]
    found = {decoded.row.name for decoded in map(decode, words) if decoded}
    assert set(ROWS) - found == {"wfi", "mret"}  # the handler has the latter


DEFECTS = {
    "the new base wins over what was loaded": (
        "decode.cpp",
        "&& !(written && f.rd == f.rs1)",
        "",
    ),
    "a loop that never counts": ("execute.h", "return --h.loop_count", "return h.loop_count"),
    "both loops are looked at": (
        "execute.h",
        "return --h.loop_count[loop] ? h.loop_start[loop] : next;",
        "if (--h.loop_count[loop]) return h.loop_start[loop];",
    ),
    "a store's data loses its upper half": (
        "memory.h",
        "std::memcpy(region.data + offset, &value, size);",
        "std::memcpy(region.data + offset, &value, size == 4 ? 2 : size);",
    ),
    "a trap keeps interrupts enabled": ("csr.cpp", "    enabled = false;\n", ""),
}


@pytest.mark.parametrize("name", [next(iter(DEFECTS)), *(
    pytest.param(name, marks=pytest.mark.slow) for name in list(DEFECTS)[1:]
)])  # fmt: skip
def test_planted_defect(name, tmp_path, monkeypatch):
    """A simulator that was broken on purpose disagrees with the model."""
    file, old, new = DEFECTS[name]
    broken = tmp_path / "sources"
    shutil.copytree(build.SOURCES, broken)
    text = (broken / file).read_text()
    assert text.count(old) == 1
    (broken / file).write_text(text.replace(old, new))
    monkeypatch.setattr(build, "SOURCES", broken)
    with pytest.raises(AssertionError):
        for seed in SEEDS:
            agree(seed)
