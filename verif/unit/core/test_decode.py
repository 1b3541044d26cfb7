"""The decoder's table against the assembler and against the model's."""

import random

import pytest

from hw.config import CORE_GROUPS, CoreConfig
from hw.core.decode import Decoder
from hw.core.instructions import GROUPS, base, instructions, multiply
from hw.core.instructions.format import Instruction, R
from hw.core.types import Control, Unit
from hw.verilog import to_verilog
from sw_model.isa import decode as model
from verif.lib.assembler import assemble
from verif.lib.combinational import evaluate

INSTRUCTIONS = instructions(CoreConfig())
BASE_AND_M = (*base.INSTRUCTIONS, *multiply.INSTRUCTIONS)

SOURCE = """
    lui x5, 0xABCDE
    auipc x6, 0x81234
    .word 0xff1ff0ef  # jal x1, -16
    jalr x7, -4(x8)
    .word 0xfe208ee3  # beq x1, x2, -4
    .word 0x7e419fe3  # bne x3, x4, 4094
    .word 0x8062c063  # blt x5, x6, -4096
    .word 0x0083d463  # bge x7, x8, 8
    .word 0x00a4e663  # bltu x9, x10, 12
    .word 0x00c5f863  # bgeu x11, x12, 16
    lb x1, -2048(x2)
    lh x3, 2047(x4)
    lw x5, 0(x6)
    lbu x7, 1(x8)
    lhu x9, -1(x10)
    sb x11, -2048(x12)
    sh x13, 2047(x14)
    sw x15, 5(x16)
    addi x17, x18, -7
    slti x19, x20, 7
    sltiu x21, x22, -1
    xori x23, x24, 0x555
    ori x25, x26, 0x2AA
    andi x27, x28, -2048
    slli x29, x30, 31
    srli x31, x1, 1
    srai x2, x3, 15
    add x4, x5, x6
    sub x7, x8, x9
    sll x10, x11, x12
    slt x13, x14, x15
    sltu x16, x17, x18
    xor x19, x20, x21
    srl x22, x23, x24
    sra x25, x26, x27
    or x28, x29, x30
    and x31, x1, x2
    fence
    fence.i
    ecall
    ebreak
    mret
    wfi
    csrrw x1, mscratch, x2
    csrrs x3, mepc, x4
    csrrc x5, mtvec, x6
    csrrwi x7, mcause, 31
    csrrsi x8, mtval, 1
    csrrci x9, mie, 16
    mul x1, x2, x3
    mulh x4, x5, x6
    mulhsu x7, x8, x9
    mulhu x10, x11, x12
    div x13, x14, x15
    divu x16, x17, x18
    rem x19, x20, x21
    remu x22, x23, x24
"""
"""Every instruction of RV32IM, in the order of the table; branches as words."""

IMMEDIATES = {
    **{"lui": 0xABCDE000, "auipc": 0x81234000, "jal": -16, "jalr": -4, "beq": -4, "bne": 4094},
    **{"blt": -4096, "bge": 8, "bltu": 12, "bgeu": 16, "lb": -2048, "lh": 2047, "lw": 0},
    **{"lbu": 1, "lhu": -1, "sb": -2048, "sh": 2047, "sw": 5, "addi": -7, "slti": 7},
    **{"sltiu": -1, "xori": 0x555, "ori": 0x2AA, "andi": -2048, "slli": 31, "srli": 1},
    **{"csrrwi": 31, "csrrsi": 1, "csrrci": 16},
}


@pytest.fixture(scope="module")
def words():
    data = assemble(SOURCE).data
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def decode(words, decoder=None):
    inputs = [dict(insn=word) for word in words]
    return evaluate(decoder or Decoder(INSTRUCTIONS), inputs, ["control", "immediate"])


def test_assembled_instructions(words):
    assert len(words) == len(BASE_AND_M)
    for row, word, (control, immediate) in zip(BASE_AND_M, words, decode(words), strict=True):
        assert control.legal, row.name
        assert control.as_bits() == row.control.as_value().value, row.name
        assert model(word).name == row.name
        if row.name in IMMEDIATES:
            assert immediate == IMMEDIATES[row.name] & 0xFFFFFFFF, row.name


def random_words(seed, rows):
    """Random words, and words one bit away from an instruction: the interesting illegal ones."""
    rng = random.Random(seed)
    cases = [rng.getrandbits(32) for _ in range(1000)] + [0, 0xFFFFFFFF, 0x00000013 ^ 2]
    for row in rows:
        word = row.match | rng.getrandbits(32) & ~row.mask & 0xFFFFFFFF
        cases += [word, *(word ^ 1 << bit for bit in range(32))]
    return cases


@pytest.mark.parametrize("groups", [CORE_GROUPS, (), ("m",), ("a", "xcv_mem", "xcv_simd")], ids=str)
def test_legal_words_are_those_of_the_model(groups):
    rows = instructions(CoreConfig.of(*groups))
    cases = random_words(7, INSTRUCTIONS)
    legal = 0
    for word, (control, _) in zip(cases, decode(cases, Decoder(rows)), strict=True):
        known = model(word)
        expected = known is not None and known.row.group in ("i", *groups)
        assert bool(control.legal) == expected, (hex(word), known)
        legal += control.legal
    assert 0 < legal < len(cases)


def test_packed_immediates():
    """The 6-bit operand of packed instructions: bits 24:20, then bit 25."""
    word = 0x0215E57B  # cv.add.sci.h a0, a1, 3
    assert decode([word])[0][1] == 3
    assert decode([word | 1 << 24])[0][1] == (3 | 1 << 5) - 64 & 0xFFFFFFFF


def test_compressed_and_event_loads_are_illegal():
    event_load = 0x0025B50B  # cv.elw a0, 2(a1)
    compressed = 0x0001  # c.nop
    assert [control.legal for control, _ in decode([event_load, compressed])] == [0, 0]


def test_illegal_words_do_nothing():
    (control, _) = decode([0])[0]
    assert control.as_bits() == 0


def test_a_row_more():
    extra = Instruction("extra", "1111111 ----- ----- 000 ----- 0110011", R, Unit.ALU, 5)
    decoder = Decoder((*INSTRUCTIONS, extra))
    (control, _) = decode([0xFE000033], decoder)[0]
    assert control.legal and control.op == 5


def test_bad_tables():
    short = Instruction("short", "1111 0110011", R, Unit.ALU)
    with pytest.raises(ValueError, match="pattern of 'short'"):
        Decoder((short,))
    twice = Instruction("twice", "------- 00000 ----- 000 ----- 0110011", R, Unit.ALU)
    with pytest.raises(ValueError, match="'twice' and 'add' match the same word"):
        Decoder((*INSTRUCTIONS, twice))


def test_the_table_is_that_of_the_groups():
    assert set(GROUPS) == set(CORE_GROUPS)
    assert Control.as_shape().size < 64


def test_converts_to_verilog():
    assert "module decoder" in to_verilog(Decoder(INSTRUCTIONS), name="decoder")
