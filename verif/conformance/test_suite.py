"""The conformance programs themselves: the model passes, wrong models do not."""

import dataclasses
import random

import pytest

from heed.simulator.elf import read_elf
from hw.config import CoreConfig
from hw.presets import TINY
from sw_model.isa import access, csr, hart, loops, reservations
from sw_model.isa.bits import signed
from sw_model.isa.row import Decoded
from sw_model.isa.table import TABLE
from verif.conformance import compare, computed, programs
from verif.conformance.builder import ROWS
from verif.conformance.elf import elf_bytes
from verif.conformance.model import run_on_model
from verif.lib.planted import plant

FULL = {program.name: program for program in programs()}
SMALL = {
    "none": CoreConfig.of(event_counters=0),
    "ima": CoreConfig.of("m", "a", event_counters=8),
    "loops": CoreConfig.of("xcv_hwlp", "xcv_simd"),
}


@pytest.mark.parametrize("name", FULL)
def test_the_model_passes(name):
    program = FULL[name]
    wrong = compare(program, run_on_model(program))
    assert not wrong, "\n".join(map(str, wrong[:20]))


@pytest.mark.parametrize("name", SMALL)
def test_smaller_cores(name):
    core = SMALL[name]
    for program in programs(core):
        if program.name.startswith("computed") and program.name in FULL:
            continue  # the same program as the full core's
        assert not compare(program, run_on_model(program, core)), program.name


def test_the_programs_are_always_the_same():
    assert {program.name: program for program in programs(CoreConfig())} == FULL
    assert sum(len(program.expected) for program in FULL.values()) > 100_000


def test_every_instruction_is_tried():
    left = {row.name for row in TABLE}
    for program in FULL.values():
        words = memoryview(b"".join(contents for _, contents in program.segments)).cast("I")
        left -= {decoded.name for decoded in map(hart.decode, words) if decoded}
    assert not left


SAME = {("cv.and.b", "cv.and.h"), ("cv.or.b", "cv.or.h"), ("cv.xor.b", "cv.xor.h")}
SAME |= {("cv.add.div2", "cv.avg.h")}
"""One operation under two names."""


def tried(row):
    """Values of rs1, rs2 and rd, word and result of every check of a row that writes."""
    for words, values in computed.cases(row, random.Random(row.name)):
        for word in words:
            for triple in values if word >> 7 & 31 else ():
                read = computed.operands(row, word, *triple)
                yield *read, word, row.compute(*read, word)


@pytest.mark.parametrize("group", sorted({row.group for row in TABLE if row.compute}))
def test_the_operands_tell_every_instruction_from_the_others(group):
    rows = [row for row in TABLE if row.group == group and row.compute]
    for row in rows:
        checks = list(tried(row))
        for other in rows:
            if other is not row and other.operands == row.operands:
                differ = any(other.compute(*check[:4]) != check[4] for check in checks)
                assert differ != (tuple(sorted((row.name, other.name))) in SAME), other.name


def run_with(monkeypatch, name, execute):
    """Run the programs on a model in which one instruction does something else."""
    rows = [row for row in TABLE if row.name == name]
    fake = {row: dataclasses.replace(row, execute=execute) for row in rows}
    decode = hart.decode

    def decode_wrong(word):
        decoded = decode(word)
        return Decoded(fake.get(decoded.row, decoded.row), word) if decoded else None

    monkeypatch.setattr(hart, "decode", decode_wrong)


def noticed(*names):
    """Names of those programs whose signature is wrong."""
    found = []
    for name in names:
        try:
            if compare(FULL[name], run_on_model(FULL[name])):
                found.append(name)
        except RuntimeError:
            found.append(name)
    return found


def wrong_result(row, change):
    """The row's instruction, with a changed result."""

    def execute(hart, i):
        read = (hart.x[i.rs1], hart.x[i.rs2], hart.x[i.rd])
        hart.write(i.rd, change(row.compute(*read, i.word), *read))

    return execute


@pytest.mark.parametrize(
    "name, change, program",
    [
        ("sra", lambda value, a, b, c: value & 0x7FFFFFFF, "computed_i_0"),
        ("div", lambda value, a, b, c: 0 if a == 1 << 31 else value, "computed_m_0"),
        ("mulhsu", lambda value, a, b, c: value ^ (b >> 31), "computed_m_0"),
        ("cv.clipr", lambda value, a, b, c: a if b >> 31 else value, "computed_xcv_alu_0"),
        (
            "cv.clb",
            lambda value, a, b, c: value if a != 0xFFFFFFFF else 0,
            "computed_xcv_bitmanip_0",
        ),
        ("cv.msu", lambda value, a, b, c: value + 1 & 0xFFFFFFFF, "computed_xcv_mac_0"),
        ("cv.sdotsp.b", lambda value, a, b, c: value - c & 0xFFFFFFFF, "computed_xcv_simd_4"),
        ("heed.rq", lambda value, a, b, c: value ^ (signed(a) < -(2**30)), "computed_xheed_0"),
    ],
)
def test_a_wrong_result_is_noticed(monkeypatch, name, change, program):
    run_with(monkeypatch, name, wrong_result(ROWS[name], change))
    assert noticed(program) == [program]


@pytest.mark.parametrize(
    "owner, name, right, wrong, program",
    [
        (hart.Hart, "jump", "target & 3", "target & 1", "branches"),
        (hart.Hart, "load", "is_signed else 0", "size == 1 else 0", "memory_i_0"),
        (hart.Hart, "write_base", "if rs1:", "if rs1 > 9:", "memory_xcv_mem_0"),
        (hart.Hart, "set_loop", "self._jumps = True", "pass", "loops_last_instructions"),
        (access.Access, "store", "address % size", "address % 2", "memory_i_1"),
        (access.Access, "_check", "STORE_FAULT", "LOAD_FAULT", "atomic_traps"),
        (access.Access, "modify", "operation(old, operand)", "old", "amos"),
        (reservations.Reservations, "take", ".pop(hart_id, None)", ".get(hart_id)", "reservations"),
        (reservations.Reservations, "reserve", "address & ~3", "address & ~7", "reservations"),
        (loops.Loops, "after", "if loop.count else", "if loop.count > 1 else", "loops_single"),
        (loops.Loops, "after", "for loop in self", "for loop in reversed(self)", "loops_same_end"),
        (loops.Loop, "set", "end & MASK & ~3", "end & MASK", "loops_registers"),
        (csr.Csrs, "enter", "STATUS_MPIE if status & STATUS_MIE else 0", "0", "csr_values"),
        (csr.Csrs, "access", "address >> 10 == 3", "False", "csr_registers"),
        (csr.Csrs, "count", "not self.retired_written", "True", "counters"),
    ],
)  # fmt: skip
def test_a_planted_bug_is_noticed(monkeypatch, owner, name, right, wrong, program):
    plant(monkeypatch, owner, name, right, wrong)
    assert noticed(program) == [program]


def test_an_instruction_that_should_be_illegal_is_noticed(monkeypatch):
    decode = hart.decode
    nop = Decoded(ROWS["addi"], 0x13)
    monkeypatch.setattr(hart, "decode", lambda word: nop if word == 0x10000073 else decode(word))
    assert noticed("illegal") == ["illegal"]


def test_programs_as_elf_files(tmp_path):
    for program in FULL.values():
        path = tmp_path / "program.elf"
        path.write_bytes(program.elf_bytes())
        read = read_elf(path, TINY)
        assert (read.segments, read.entry) == (program.segments, program.entry)
        assert read.tohost == program.tohost
        assert read.symbols["begin_signature"] == program.signature
        assert read.symbols["end_signature"] == program.signature + 4 * len(program.expected)


def test_several_segments_in_an_elf_file(tmp_path):
    path = tmp_path / "two.elf"
    segments = ((0x1000_0000, b"abcdefgh"), (0x8000_0000, bytes(range(8))))
    path.write_bytes(elf_bytes(0x8000_0000, segments, {"x": 0x8000_0004}))
    read = read_elf(path, TINY)
    assert (read.segments, read.symbols) == (segments, {"x": 0x8000_0004})


def test_a_wrong_word_is_described():
    program = FULL["loops_jumps"]
    signature = bytearray(run_on_model(program))
    signature[0] ^= 1
    (wrong,) = compare(program, bytes(signature))
    assert str(wrong) == "0: a branch out of a body: 0x00000003, expected 0x00000002"
