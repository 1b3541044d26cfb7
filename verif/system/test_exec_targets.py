"""The same program on the RTL and on the instruction-set simulator: what must be the same is."""

import re
from dataclasses import replace

import pytest

from heed.cli import main as cli
from heed.errors import HeedError
from heed.exec import execute
from heed.simulator.result import Trap
from heed.targets import TARGETS
from heed.toolchain.compiler import FLAGS, run_compiler
from hw.presets import TINY

LINK = """
ENTRY(_start)
SECTIONS {
    .tcdm 0x10000100 : { KEEP(*(.tcdm)) }
    .text 0x80000000 : { *(.text.start) *(.text .text.*) }
    .data : ALIGN(8) { KEEP(*(.data .data.*)) }
    .bss : ALIGN(8) { *(.bss .bss.*) }
    /DISCARD/ : { *(.riscv.attributes .comment .note.*) }
}
"""
PROLOGUE = """
.option arch, +a, +zicsr, +zifencei
.section .text.start, "ax", @progbits
.globl _start
_start:
"""
EPILOGUE = """
exit:                   # with the status in a0
    slli a0, a0, 1
    ori a0, a0, 1
    la a1, tohost
    sw a0, 0(a1)
1:  j 1b
.data
.balign 8
.globl tohost
tohost: .word 0
.section .tcdm, "aw", @progbits
.globl begin_signature
begin_signature:
words: .word 0, 0
    .fill 6, 4, 0x5a5a5a5a
.globl end_signature
end_signature:
"""


@pytest.fixture(scope="module")
def assemble(tmp_path_factory):
    """Return a function that makes an ELF of a program's instructions."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "link.ld").write_text(LINK)
    made = {}

    def build(text):
        if text not in made:
            name = f"program_{len(made)}"
            (folder / f"{name}.S").write_text(PROLOGUE + text + EPILOGUE)
            words = [*FLAGS, f"{name}.S", "-T", "link.ld", "-o", f"{name}.elf"]
            run_compiler(words, folder, name)
            made[text] = folder / f"{name}.elf"
        return made[text]

    return build


WORK = """
    la s0, words
    li s1, 8
    li s2, 1
1:  mul s2, s2, s1
    sw s2, 0(s0)
    addi s0, s0, 4
    addi s1, s1, -1
    bnez s1, 1b
    la s0, words
    lbu t0, 1(s0)
    lh t1, 6(s0)
    amoadd.w t2, t0, (s0)
    lw t3, 0(s0)
    divu t4, t3, t2
    sh t4, 12(s0)
    li t5, 0x10104000       # console
    li t6, 'h'
    sw t6, 0(t5)
    li t6, 10
    sw t6, 0(t5)
    li a0, STATUS
    j exit
"""
SHARED = """
    csrr t0, mhartid
    la s0, words
    li t1, 100
1:  amoadd.w zero, t1, (s0)
    addi t1, t1, -1
    bnez t1, 1b
    li t2, 0x10100000
    slli t3, t0, 2
    la s1, words + 8
    add s1, s1, t3
    addi t4, t0, 77
    sw t4, 0(s1)
    li t5, 1
    la s2, words + 4
    amoadd.w zero, t5, (s2) # arrived
    bnez t0, sleep
    li t6, 2
2:  lw t5, 0(s2)
    bne t5, t6, 2b
    li a0, 9
    j exit
sleep:
    wfi
    j sleep
"""


def both(elf, tmp_path, **options):
    """Run on both targets; return results, signatures and traces by target."""
    found = {}
    for target in TARGETS:
        signature, trace = tmp_path / f"{target}.signature", tmp_path / f"{target}.trace"
        result = execute(
            elf,
            config=TINY,
            target=target,
            signature=signature,
            trace=trace,
            max_cycles=20_000,
            **options,
        )
        steps = [
            (int(hart), rest)
            for hart, _, rest in (
                text.split(maxsplit=2) for text in trace.read_text().splitlines()[1:]
            )
        ]
        found[target] = (result, signature.read_text(), steps)
    return found


def test_status_console_signature_and_trace(assemble, tmp_path):
    found = both(assemble(WORK.replace("STATUS", "3")), tmp_path)
    for result, signature, steps in found.values():
        assert (result.status, result.exited, result.trap) == (3, True, None)
        assert result.console == b"h\n"
        words = [8, 56, 336, 1680, 6720, 20160, 40320, 40320]
        # the first one's byte 1 is 0; halves of the fourth one: words[0] / words[0] = 1
        words[3] = 1
        assert signature == "".join(f"{word:08x}\n" for word in words)
        assert re.fullmatch(
            r"80000000 [0-9a-f]{8} (auipc|lui) s0, \S+ +s0=[0-9a-f]{8}", steps[0][1]
        )
        assert re.search(r"sw a0, 0\(a1\) +write \[[0-9a-f]{8}\] 00000007$", steps[-1][1])
        assert sum("mul s2, s2, s1" in text for _, text in steps) == 8
        assert any("lbu t0, 1(s0)" in text and text.endswith("] 00") for _, text in steps)
    assert found["rtl"] == (found["rtl"][0], *found["iss"][1:])


def test_two_harts(assemble, tmp_path):
    found = both(assemble(SHARED), tmp_path, cores=2)
    for result, signature, steps in found.values():
        assert (result.status, result.exited) == (9, True)
        words = [2 * 5050, 2, 77, 78, *[0x5A5A5A5A] * 4]
        assert signature == "".join(f"{word:08x}\n" for word in words)
        for hart in range(2):
            own = [text for number, text in steps if number == hart]
            assert sum("amoadd.w zero, t1" in text for text in own) == 100
    assert found["rtl"][1] == found["iss"][1]


@pytest.mark.parametrize("target", TARGETS)
def test_a_failing_run_has_a_signature(assemble, tmp_path, target):
    """It is written when the run times out, too, as memory is then."""
    elf = assemble("la s0, words\nli t0, 42\nsw t0, 4(s0)\n1: j 1b\n")
    file = tmp_path / "signature"
    result = execute(elf, config=TINY, target=target, signature=file, max_cycles=3000)
    assert (result.status, result.exited) == (124, False)
    assert file.read_text().split() == ["00000000", "0000002a", *["5a5a5a5a"] * 6]
    assert 0x8000_0000 < result.pcs[0] < 0x8000_0040 and result.pcs[1] == 0


TRAPS = {
    "illegal": ("bad: .word 0xffffffff", 2, 0xFFFF_FFFF, ".word 0xffffffff"),
    "csr": ("bad: csrw mhartid, zero", 2, 0xF140_1073, r"csrr?w.*mhartid"),
    "break": ("bad: ebreak", 3, None, "ebreak"),
    "call": ("bad: ecall", 11, 0, "ecall"),
    "load": ("li t0, 0x30000000\nbad: lw t1, 4(t0)", 5, 0x3000_0004, r"lw t1, 4\(t0\)"),
    "store": ("bad: sw t1, 0(zero)", 7, 0, r"sw t1, 0\(zero\)"),
    "odd load": ("la t0, words\nbad: lh t1, 1(t0)", 4, 0x1000_0101, r"lh t1, 1\(t0\)"),
    "odd store": ("la t0, words\nbad: sw t1, 2(t0)", 6, 0x1000_0102, r"sw t1, 2\(t0\)"),
    "odd atomic": ("la t0, words + 2\nbad: amoor.w t1, t1, (t0)", 6, 0x1000_0102, "amoor.w"),
    "device atomic": ("li t0, 0x10104000\nbad: lr.w t1, (t0)", 5, 0x1010_4000, "lr.w"),
    "odd jump": ("la t0, words + 2\nbad: jr t0", 0, 0x1000_0102, "(jr|jalr)"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_that_nothing_handles(assemble, tmp_path, name, target, capfd):
    """One message names cause, hart, address and instruction; what was done before stays."""
    text, cause, value, shown = TRAPS[name]
    elf = assemble(f"la s0, words\nli s1, 5\nsw s1, 0(s0)\n{text}\nli a0, 1\nj exit\n")
    files = [str(tmp_path / part) for part in ("signature", "trace")]
    words = ["exec", str(elf), "--target", target, "--max-cycles", "20000"]
    words += ["--signature", files[0], "--trace", files[1]]
    assert cli.main(words) == 125
    out, err = capfd.readouterr()
    (said,) = [line for line in err.splitlines() if "took a trap" in line]
    assert re.search(
        rf"hart 0 took a trap .* \(exception {cause}\) at 0x800000[0-9a-f]{{2}}, .*{shown}", said
    )
    if value is not None:
        assert said.endswith(f"mtval {value:#010x}")
    assert (tmp_path / "signature").read_text().startswith("00000005\n00000000\n5a5a5a5a\n")
    *_, last = (tmp_path / "trace").read_text().splitlines()
    assert re.search(rf"trap {cause} [a-z ]+ -> 00000000$", last)


def test_a_jump_to_nowhere(assemble, tmp_path):
    """What cannot be fetched is not shown as an instruction."""
    found = both(assemble("li t0, 0x20000000\njr t0\n"), tmp_path)
    for result, _, steps in found.values():
        trap = replace(result.trap, word=0)
        assert trap == Trap(0, False, 1, 0x2000_0000, 0, 0x2000_0000)
        assert "at 0x20000000, (not fetched);" in str(result.trap)
        assert re.fullmatch(
            r"20000000 -{8} \(not fetched\) +trap 1 instruction access fault -> 00000000",
            steps[-1][1],
        )
    assert found["rtl"][1:] == found["iss"][1:]


@pytest.mark.parametrize("target", TARGETS)
def test_a_trap_of_another_hart(assemble, target):
    """Whoever traps ends the run; the message says who."""
    elf = assemble("csrr t0, mhartid\nbeqz t0, 1f\necall\n1: j 1b\n")
    result = execute(elf, config=TINY, target=target, cores=2, max_cycles=3000)
    assert (result.status, result.exited) == (125, False)
    assert result.trap == Trap(1, False, 11, 0x8000_0008, 0x73, 0)


@pytest.mark.parametrize("target", TARGETS)
def test_an_interrupt_that_nothing_handles(assemble, tmp_path, target):
    """The trace ends with the last instruction before it."""
    elf = assemble(
        "li t0, 0x10100000 + MSIP\nli t1, 8\ncsrw mie, t1\nli t2, 1\nsw t2, 0(t0)\n"
        "lw t3, 0(t0)\ncsrsi mstatus, 8\n1: j 1b\n".replace("MSIP", str(msip_offset()))
    )
    trace = tmp_path / "trace"
    result = execute(elf, config=TINY, target=target, trace=trace, max_cycles=3000)
    assert result.status == 125
    assert (result.trap.interrupt, result.trap.cause) == (True, 3)
    assert "software interrupt (interrupt 3)" in str(result.trap)
    lines = trace.read_text().splitlines()
    assert any("mstatus" in line for line in lines[-3:]) and "irq" not in trace.read_text()


def msip_offset():
    from hw.regmap import EVENTS

    return EVENTS.offset + EVENTS["msip"].offset


@pytest.mark.parametrize("target", TARGETS)
def test_a_handled_trap_goes_on(assemble, target):
    elf = assemble(
        "la t0, handler\ncsrw mtvec, t0\necall\nli a0, 6\nj exit\n"
        ".balign 4\nhandler: csrr t1, mepc\naddi t1, t1, 4\ncsrw mepc, t1\nmret\n"
    )
    result = execute(elf, config=TINY, target=target, max_cycles=3000)
    assert (result.status, result.exited, result.trap) == (6, True, None)


@pytest.mark.parametrize("target", TARGETS)
def test_a_program_without_a_signature(tmp_path, target):
    """It is refused before anything is built or run."""
    (tmp_path / "link.ld").write_text(LINK)
    (tmp_path / "p.S").write_text(PROLOGUE + "j _start\n")
    run_compiler([*FLAGS, "p.S", "-T", "link.ld", "-o", "p.elf"], tmp_path, "p.S")
    said = []
    with pytest.raises(HeedError, match="p.elf has no signature"):
        execute(
            tmp_path / "p.elf",
            config=TINY,
            target=target,
            signature=tmp_path / "signature",
            progress=said.append,
        )
    assert not said and not (tmp_path / "signature").exists()


def test_the_simulator_core_needs_a_compiler(assemble, tmp_path, monkeypatch):
    """Nothing else of a machine, and it says so."""
    elf = assemble("li a0, 0\nj exit\n")
    monkeypatch.setenv("HEED_BUILD", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HeedError, match=r"g\+\+.*install"):
        execute(elf, config=TINY, target="iss")
