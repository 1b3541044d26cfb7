"""The instruction-set simulator by itself, against what the RISC-V manuals say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.isa import AccessFault, FlatMemory, Hart
from sw_model.isa import csr as registers
from sw_model.isa.decode import decode
from sw_model.isa.fields import imm_b, imm_i, imm_j, imm_s, imm_u
from sw_model.isa.table import TABLE
from sw_model.isa.trap import Cause

BASE = 0x8000_0000
MASK = 0xFFFFFFFF
words = st.integers(0, MASK)


def hart_with(*program, **options):
    code = b"".join(word.to_bytes(4, "little") for word in program)
    return Hart(FlatMemory(BASE, code.ljust(256, b"\0")), BASE, **options)


def signed(value):
    return value - (1 << 32) if value >> 31 else value


def run_register(funct7, funct3, a, b):
    hart = hart_with(funct7 << 25 | 2 << 20 | 1 << 15 | funct3 << 12 | 3 << 7 | 0x33)
    hart.x[1], hart.x[2] = a, b
    event = hart.step()
    assert (event.rd_addr, event.rd_wdata, event.trap) == (3, hart.x[3], False)
    return hart.x[3]


@given(words, words)
def test_products_add_up(a, b):
    low, high, mixed, unsigned = (run_register(1, op, a, b) for op in range(4))
    assert signed(high) << 32 | low == signed(a) * signed(b)
    assert signed(mixed) << 32 | low == signed(a) * b
    assert unsigned << 32 | low == a * b


@given(words, st.integers(0, 40).map(lambda n: n * 0x6666667 & MASK) | words)
def test_divisions_add_up(a, b):
    quotient, unsigned, remainder, rest = (run_register(1, op, a, b) for op in range(4, 8))
    assert (unsigned * b + rest) & MASK == a
    assert (signed(quotient) * signed(b) + signed(remainder)) & MASK == a
    if b == 0:
        assert (quotient, unsigned, remainder, rest) == (MASK, MASK, a, a)
    else:
        assert rest < b
        assert abs(signed(remainder)) < abs(signed(b))
        # The remainder has the dividend's sign.
        assert remainder == 0 or (signed(remainder) < 0) == (signed(a) < 0)


def test_overflow_of_division():
    assert run_register(1, 4, 1 << 31, MASK) == 1 << 31
    assert run_register(1, 6, 1 << 31, MASK) == 0


@given(words, words)
def test_arithmetic(a, b):
    assert run_register(0x00, 0, a, b) == (a + b) & MASK
    assert run_register(0x20, 0, a, b) == (a - b) & MASK
    assert signed(run_register(0x20, 5, a, b)) == signed(a) >> b % 32
    assert run_register(0x00, 2, a, b) == (signed(a) < signed(b))
    assert run_register(0x00, 3, a, b) == (a < b)


def test_immediates():
    assert imm_i(0xFFF00000) == -1
    assert imm_s(0xFE000F80) == -1
    assert imm_b(0xFE000FE0 ^ 0x60) == -2
    assert imm_u(0xFFFFF000) == -4096
    assert imm_j(0xFFFFF000) == -2


def test_rows_do_not_overlap():
    for row in TABLE:
        assert row.match & ~row.mask == 0
        assert [
            other.name for other in TABLE if (row.match ^ other.match) & row.mask & other.mask == 0
        ] == [row.name]


@given(words)
def test_only_base_opcodes_are_legal(word):
    if decode(word):
        assert word & 3 == 3


def test_register_zero_stays():
    hart = hart_with(0x00500013)  # addi x0, x0, 5
    assert hart.step().rd_addr == 0
    assert hart.x[0] == 0


@pytest.mark.parametrize(
    ("word", "cause", "value"),
    [
        (0x00000000, Cause.ILLEGAL, 0),
        (0x00000073, Cause.ECALL, 0),
        (0x00100073, Cause.BREAKPOINT, BASE),
        (0x0000006F | 1 << 21, Cause.FETCH_MISALIGNED, BASE + 2),  # jal x0, 2
        (0x00002003, Cause.LOAD_FAULT, 0),  # lw x0, 0(x0)
        (0x00102083, Cause.LOAD_MISALIGNED, 1),  # lw x1, 1(x0)
        (0x00002023, Cause.STORE_FAULT, 0),  # sw x0, 0(x0)
        (0x001010A3, Cause.STORE_MISALIGNED, 1),  # sh x1, 1(x0)
        (0xF1401073, Cause.ILLEGAL, 0xF1401073),  # csrw mhartid, x0
    ],
)
def test_traps(word, cause, value):
    hart = hart_with(word)
    hart.csrs.write(registers.MTVEC, BASE + 0x40)
    hart.csrs.write(registers.MSTATUS, registers.STATUS_MIE)
    event = hart.step()
    assert (event.trap, event.irq, event.cause) == (True, False, cause)
    assert event.next_pc == hart.pc
    assert hart.pc == BASE + 0x40
    plain = hart.csrs.plain
    assert (plain[registers.MEPC], plain[registers.MCAUSE]) == (BASE, cause)
    assert plain[registers.MTVAL] == value
    assert plain[registers.MSTATUS] == registers.STATUS_MPIE
    assert hart.csrs.retired == 0


def test_fetch_fault():
    hart = hart_with()
    hart.pc = 0x100
    assert hart.step().cause == Cause.FETCH_FAULT
    assert hart.csrs.plain[registers.MTVAL] == 0x100


def test_interrupt_and_return():
    hart = hart_with(0x00000013)
    hart.memory.store(BASE + 0x40 + 4 * 7, 4, 0x30200073)  # mret
    hart.csrs.write(registers.MTVEC, BASE + 0x41)
    hart.csrs.write(registers.MIE, 1 << registers.TIMER)
    assert not hart.step(1 << registers.TIMER).trap  # not enabled in mstatus
    hart.pc = BASE
    hart.csrs.write(registers.MSTATUS, registers.STATUS_MIE)
    event = hart.step(1 << registers.TIMER)
    assert (event.irq, event.irq_cause, event.trap) == (True, registers.TIMER, False)
    assert (event.pc, event.next_pc) == (BASE + 0x40 + 28, BASE)
    assert hart.pc == BASE
    assert hart.csrs.plain[registers.MSTATUS] == registers.STATUS_MIE | registers.STATUS_MPIE


def test_sleep():
    hart = hart_with(0x10500073, 0x00100093)
    hart.csrs.write(registers.MIE, 1 << registers.SOFTWARE)
    assert hart.step().pc == BASE
    assert hart.step() is None
    assert hart.step(1 << registers.TIMER) is None
    assert hart.step(1 << registers.SOFTWARE).rd_addr == 1


@given(words, st.sampled_from(sorted(registers.Csrs().plain)))
def test_plain_registers_keep_what_they_can(value, address):
    csrs = registers.Csrs()
    csrs.write(address, value)
    once = csrs.access(address, False)
    csrs.write(address, once)
    assert csrs.access(address, False) == once


def test_memory():
    memory = FlatMemory(BASE, b"\x01\x02\x03\x04\x05\x06\x07\x08")
    memory.store(BASE + 2, 2, 0xABCDEF)
    assert memory.load(BASE, 4) == 0xCDEF0201
    for address in (BASE - 1, BASE + 5, 0, MASK):
        with pytest.raises(AccessFault):
            memory.load(address, 4)
