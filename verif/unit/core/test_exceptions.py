"""Exceptions and their priorities."""

from hw.config import CoreConfig
from hw.core.exceptions import Exceptions
from hw.core.instructions import instructions
from hw.core.types import Cause
from hw.verilog import to_verilog
from verif.lib.combinational import evaluate

CONTROL = {row.name: row.control for row in instructions(CoreConfig())}
PC, INSN, ADDRESS = 0x80000040, 0x12345678, 0x80001003
QUIET = dict(pc=PC, insn=INSN, fetch_error=0, csr_legal=1, jumps=0)
QUIET |= dict(address=0, misaligned=0, outside=0, fault=0)


def raised(name, **inputs):
    values = QUIET | dict(control=CONTROL[name]) | inputs
    ((raised, code, value),) = evaluate(Exceptions(), [values], ["raised", "code", "value"])
    return (Cause(code), value) if raised else None


def test_no_exception():
    for name in CONTROL:
        if name not in ("ecall", "ebreak"):
            assert raised(name) is None, name


def test_each():
    assert raised("add", fetch_error=1) == (Cause.FETCH_FAULT, PC)
    illegal = dict(control=dict(legal=0))
    assert raised("add", **illegal) == (Cause.ILLEGAL, INSN)
    assert raised("csrrw", csr_legal=0) == (Cause.ILLEGAL, INSN)
    assert raised("ecall") == (Cause.ECALL, 0)
    assert raised("ebreak") == (Cause.BREAKPOINT, PC)
    assert raised("beq", jumps=1, address=ADDRESS) == (Cause.FETCH_MISALIGNED, ADDRESS - 1)
    assert raised("lw", misaligned=1, address=ADDRESS) == (Cause.LOAD_MISALIGNED, ADDRESS)
    assert raised("sh", misaligned=1, address=ADDRESS) == (Cause.STORE_MISALIGNED, ADDRESS)
    for why in ("outside", "fault"):
        assert raised("lb", address=ADDRESS, **{why: 1}) == (Cause.LOAD_FAULT, ADDRESS)
        assert raised("sb", address=ADDRESS, **{why: 1}) == (Cause.STORE_FAULT, ADDRESS)


def test_atomics():
    """A load-reserved faults as a load, the others as stores."""
    for name in ("lr.w", "sc.w", "amoadd.w", "amomaxu.w"):
        load = name == "lr.w"
        misaligned = Cause.LOAD_MISALIGNED if load else Cause.STORE_MISALIGNED
        fault = Cause.LOAD_FAULT if load else Cause.STORE_FAULT
        assert raised(name, misaligned=1, outside=1, address=ADDRESS) == (misaligned, ADDRESS)
        assert raised(name, outside=1, address=ADDRESS) == (fault, ADDRESS)


def test_what_does_not_matter_to_an_instruction():
    everything = dict(csr_legal=0, address=ADDRESS, misaligned=1, outside=1)
    assert raised("add", **everything) is None
    assert raised("beq", **everything) is None
    assert raised("jal", jumps=1, address=ADDRESS - 2) is None


def test_a_word_that_was_not_fetched_is_nothing_else():
    everything = dict(fetch_error=1, csr_legal=0, jumps=1, address=ADDRESS, misaligned=1)
    for name in CONTROL:
        assert raised(name, **everything) == (Cause.FETCH_FAULT, PC)


def test_converts_to_verilog():
    assert "module exceptions" in to_verilog(Exceptions(), name="exceptions")
