"""Signatures and traces: what is in the files, whatever wrote them."""

import os
import struct

import pytest

from heed.errors import HeedError
from heed.simulator.elf import Program
from heed.simulator.records import RecordPipe
from heed.simulator.result import Trap
from heed.simulator.signature import signature_range, signature_text, write_signature
from heed.simulator.trace import HEADER, TraceFile, line
from hw.config import TCDM_BASE
from hw.presets import TINY
from sw_model.iss.iss import Retired

END_OF_TCDM = TCDM_BASE + TINY.tcdm.bytes
NOTHING = Retired(*[0] * len(Retired._fields))
ADDI = 0x00A2_8293  # addi t0, t0, 10


def program(**symbols):
    return Program((), 0, symbols)


@pytest.mark.parametrize(
    "begin, end", [(0x8000_0000, 0x8000_0000), (0x8000_0010, 0x8000_0020), (TCDM_BASE, END_OF_TCDM)]
)
def test_the_range_of_a_signature(begin, end):
    symbols = program(begin_signature=begin, end_signature=end)
    assert signature_range(symbols, "p.elf", TINY) == (begin, end - begin)


@pytest.mark.parametrize(
    "symbols, message",
    [
        ({}, "p.elf .*no symbol begin_signature and no symbol end_signature"),
        ({"begin_signature": 0x8000_0000}, "p.elf .*no symbol end_signature"),
        ({"end_signature": 0x8000_0000}, "p.elf .*no symbol begin_signature"),
        (
            {"begin_signature": 0x8000_0002, "end_signature": 0x8000_0008},
            "from 0x80000002 to 0x80000008, but must",
        ),
        (
            {"begin_signature": 0x8000_0000, "end_signature": 0x8000_0007},
            "from 0x80000000 to 0x80000007, but must",
        ),
        (
            {"begin_signature": 0x8000_0008, "end_signature": 0x8000_0004},
            "from 0x80000008 to 0x80000004, but must",
        ),
        (
            {"begin_signature": END_OF_TCDM - 4, "end_signature": END_OF_TCDM + 4},
            "signature at 0x1001fffc, 8 bytes, does not lie in a memory",
        ),
        (
            {"begin_signature": 0x2000_0000, "end_signature": 0x2000_0008},
            "signature at 0x20000000, 8 bytes, does not lie in a memory",
        ),
    ],
)
def test_no_signature(symbols, message):
    with pytest.raises(HeedError, match=message):
        signature_range(program(**symbols), "p.elf", TINY)


def test_the_text_of_a_signature(tmp_path):
    data = struct.pack("<3I", 1, 0xDEADBEEF, 0x0ABC_0000)
    assert signature_text(data) == "00000001\ndeadbeef\n0abc0000\n"
    write_signature(tmp_path / "s", data)
    assert (tmp_path / "s").read_text() == signature_text(data)
    with pytest.raises(HeedError, match="cannot write the signature .*: Is a directory"):
        write_signature(tmp_path, data)


@pytest.mark.parametrize(
    "fields, text",
    [
        ({}, "   1         42 80000010 00a28293 addi t0, t0, 10"),
        ({"rd_addr": 5, "rd_wdata": 0x2A}, "t0=0000002a"),
        (
            {"rd_addr": 10, "rd_wdata": 7, "rd2_addr": 11, "rd2_wdata": 0x1000_0004},
            "a0=00000007, a1=10000004",
        ),
        ({"mem_addr": 0x1000_0001, "mem_rmask": 1, "mem_rdata": 0xFE}, "read [10000001] fe"),
        ({"mem_addr": 0x1000_0002, "mem_wmask": 3, "mem_wdata": 0xFE}, "write [10000002] 00fe"),
        (
            {"mem_addr": 8, "mem_rmask": 15, "mem_wmask": 15, "mem_rdata": 1, "mem_wdata": 2},
            "read [00000008] 00000001, write [00000008] 00000002",
        ),
        (
            {"trap": 1, "cause": 2, "next_pc": 0x8000_0100},
            "trap 2 illegal instruction -> 80000100",
        ),
        ({"irq": 1, "irq_cause": 7, "rd_addr": 5}, "irq 7 timer interrupt, t0=00000000"),
    ],
)
def test_a_line_of_a_trace(fields, text):
    record = NOTHING._replace(time=42, pc=0x8000_0010, insn=ADDI, **fields)
    shown = line(1, record)
    assert shown.startswith("   1         42 80000010 00a28293 addi t0, t0, 10")
    assert shown.endswith(text + "\n") and shown.count("\n") == 1


def test_a_trace_file(tmp_path):
    file = tmp_path / "trace"
    with TraceFile(file) as trace:
        trace(0, NOTHING._replace(insn=ADDI))
        trace(3, NOTHING._replace(insn=ADDI))
    head, *lines = file.read_text().splitlines()
    assert head + "\n" == HEADER
    assert [text.split()[0] for text in lines] == ["0", "3"]
    with pytest.raises(HeedError, match="cannot write the trace .*: Is a directory"):
        TraceFile(tmp_path).__enter__()


def test_a_pipe_hands_on_what_is_sent():
    """Whole records arrive in order, also those sent last."""
    got = []
    with RecordPipe(lambda hart, record: got.append((hart, record))) as pipe:
        frames = [(n % 3, NOTHING._replace(time=n, irq_cause=n % 32)) for n in range(1000)]
        with open(os.dup(pipe.end), "wb") as file:
            for hart, record in frames:
                file.write(struct.pack("<Q2Q8I8B", hart, *record))
        pipe.started()
    assert got == frames


def test_a_pipe_passes_an_error_on():
    def receive(hart, record):
        raise HeedError("the disk is full")

    with pytest.raises(HeedError, match="the disk is full"):
        with RecordPipe(receive) as pipe:
            os.write(pipe.end, struct.pack("<Q2Q8I8B", 0, *NOTHING))
            pipe.started()


@pytest.mark.parametrize(
    "fields, text",
    [
        (
            dict(cause=2, word=0xFFFF_FFFF, value=0xFFFF_FFFF),
            "hart 1 took a trap that nothing handles: illegal instruction (exception 2) at "
            "0x80000010, .word 0xffffffff; mtval 0xffffffff",
        ),
        (dict(cause=11, word=0x73), "environment call (exception 11) at 0x80000010, ecall; "),
        (dict(cause=1), "instruction access fault (exception 1) at 0x80000010, (not fetched); "),
        (
            dict(cause=7, interrupt=True, word=ADDI),
            "timer interrupt (interrupt 7) at 0x80000010, addi t0, t0, 10; ",
        ),
        (dict(cause=24, word=ADDI), "unknown (exception 24)"),
    ],
)
def test_the_message_of_a_trap(fields, text):
    given = dict(hart=1, interrupt=False, cause=0, pc=0x8000_0010, word=0, value=0) | fields
    assert text in str(Trap(**given))
