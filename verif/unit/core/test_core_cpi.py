"""Cycles per instruction of the core, with memories that always answer in one cycle.

All of them are measured in one program. `pytest -s verif/unit/core/test_core_cpi.py` prints the
table of docs/reference/core.md, which must be the one that is there.
"""

from pathlib import Path

import pytest

from hw.core.core import Core
from verif.lib.assembler import assemble
from verif.lib.core_machine import CoreMachine, configuration

PAGE = Path(__file__).parents[3] / "docs/reference/core.md"
REPEAT = 8
TRACE_DEPTH = 32
"""More than the instructions beside a division: else it waits for the trace."""

PIECES = {
    # name: (instructions, which are repeated one after the other; cycles of them)
    "dependent additions": ("addi a0, a0, 1", 1),
    "dependent dot products": ("cv.sdotsp.b a0, a1, a2", 1),
    "loads to two registers": ("lw a0, 0(s0)\nlw a3, 4(s0)", 2),
    "loads to one register": ("lw a0, 0(s0)\nlw a0, 4(s0)", 4),
    "load, another instruction, use": ("lw a0, 0(s0)\naddi a1, a1, 1\nadd a2, a2, a0", 3),
    "load, use": ("lw a0, 0(s0)\nadd a2, a2, a0", 3),
    "load, store of it": ("lw a0, 0(s0)\nsw a0, 4(s0)", 3),
    "load with post-increment, use of the base": ("cv.lw a0, (s3), 0\naddi a1, s3, 1", 2),
    "pointer chase": ("lw s1, 0(s1)", 2),
    "stores": ("sw a0, 0(s0)", 1),
    "store, load of it": ("sw a0, 0(s0)\nlw a1, 0(s0)", 2),
    "atomic additions to TCDM": ("amoadd.w a0, a1, (s0)\namoadd.w a3, a1, (s0)", 2),
    "load from main memory": ("lw a0, 0(s4)", 2),
    "branch not taken": ("bnez x0, end", 1),
    "branch taken": ("beqz x0, . + 4", 2),
    "jump": ("jal x0, . + 4", 2),
    "products": ("mulh a0, a1, a2\nmul a3, a1, a2", 2),
    "dependent products": ("mul a0, a0, a1", 2),
    "accumulations in turn": ("cv.mac a0, a1, a2\ncv.mac a3, a1, a2", 2),
    "requantisation of four words, a byte each": (
        "\n".join(f".insn r 0x2b, 5, 0, {rd}, a1, a2" for rd in ("a0", "a3", "a4", "a5")),
        4,
    ),
    "requantisation into one word, byte by byte": (
        "\n".join(f".insn r 0x2b, 5, {lane}, a0, a1, a2" for lane in range(4)),
        8,
    ),
    "division of 12345 by 7": ("div a0, a1, a2", 15),
    "the same, 14 other instructions": ("div a0, a1, a2\n" + "addi a3, a3, 1\n" * 14, 15),
    "CSR reads": ("csrr a0, mhartid", 1),
    "`fence`": ("fence", 1),
    "`fence.i`": ("fence.i", 2),
    "write of a hardware loop's registers": (".insn i 0x2b, 4, x8, x0, 0", 2),
}

LOOPS = {
    # name: (round of a loop that counts s2 down, cycles of it)
    "loop: count down": ("addi s2, s2, -1\nbnez s2, {loop}", 3),
    "loop: sum of words": (
        "lw a0, 0(s0)\naddi s2, s2, -1\nadd a3, a3, a0\nbnez s2, {loop}",
        5,
    ),
    "loop: product of int8, added": (
        "lb a0, 0(s0)\nlb a3, 4(s0)\naddi s2, s2, -1\nmul a0, a0, a3\nnop\nadd a4, a4, a0\n"
        "bnez s2, {loop}",
        8,
    ),
}

HARDWARE_LOOPS = {
    # name: (round, cycles of it)
    "hardware loop: an addition": ("addi a0, a0, 1", 1),
    "hardware loop: sum of words": ("lw a0, 0(s0)\nnop\nadd a3, a3, a0", 3),
    "hardware loop: 8 products of int8, added": (
        "lw a0, 0(s0)\nlw a3, 4(s0)\nlw a4, 8(s0)\nlw a5, 12(s0)\n"
        "cv.sdotsp.b a6, a0, a3\ncv.sdotsp.b a7, a4, a5",
        6,
    ),
}

TRAPS = {
    # name: (label of what is measured, of what comes next, cycles)
    "trap": ("traps", "handler", 2),
    "`mret`": ("returns", "back", 2),
}

TABLES = (PIECES, LOOPS, HARDWARE_LOOPS)
EXPECTED = {name: piece[-1] for table in (*TABLES, TRAPS) for name, piece in table.items()}
INSTRUCTIONS = {
    name: len(text.strip().splitlines()) for table in TABLES for name, (text, _) in table.items()
} | dict.fromkeys(TRAPS, 1)

SETUP = """
    li s0, 0x10000000
    mv s1, s0
    sw s1, 0(s0)
    mv s3, s0
    la s4, data
"""
OPERANDS = "li a1, 12345\nli a2, 7\n"

# The trace shows an instruction when its late result is there, and those behind it later too.
SETTLE = "jal x0, . + 4\n" * 20

TRAPPING = f"""
    la t0, handler
    csrw mtvec, t0
    la t0, back
    csrw mepc, t0
    {SETTLE}
traps: ecall
    nop
back: j end
    nop
handler: csrw mepc, t0
    {SETTLE}
returns: mret
"""
DATA = "\nend: j end\n.balign 4\ndata: .word data, 0\n"


def program() -> str:
    """All pieces, at labels `<number>_<repetition>`; a loop's label is passed once a round."""
    text = SETUP
    for number, (piece, _) in enumerate(PIECES.values()):
        copies = (f"p{number}_{copy}: {piece}\n" for copy in range(REPEAT))
        text += OPERANDS + "".join(copies) + SETTLE
    for number, (piece, _) in enumerate(LOOPS.values(), len(PIECES)):
        loop = f"p{number}_0"
        text += f"li s2, {REPEAT}\n{loop}: {piece.format(loop=loop)}\n{SETTLE}"
    for number, (piece, _) in enumerate(HARDWARE_LOOPS.values(), len(PIECES) + len(LOOPS)):
        words = len(piece.splitlines())
        setup = f".insn i 0x2b, 4, x12, x{words + 1}, {REPEAT}"  # cv.setupi 0
        text += f"{setup}\np{number}_0: {piece}\n{SETTLE}"
    return text + TRAPPING + DATA


@pytest.fixture(scope="module")
def measured():
    """Return the cycles of every piece by name: the mean of all rounds but the first."""
    image = assemble(program())
    core = Core(config=configuration(), rvfi=True, trace_depth=TRACE_DEPTH)
    machine = CoreMachine(image.data, core=core)
    machine.run(until=image.symbols["end"])
    shown: dict[int, list[int]] = {}
    for cycle, record in machine.records:
        shown.setdefault(record.pc, []).append(cycle)

    def round_of(number):
        copies = range(REPEAT if number < len(PIECES) else 1)
        cycles = [c for copy in copies for c in shown[image.symbols[f"p{number}_{copy}"]]]
        assert len(cycles) == REPEAT
        return (cycles[-1] - cycles[1]) / (REPEAT - 2)

    names = [name for table in TABLES for name in table]
    result = {name: round_of(number) for number, name in enumerate(names)}
    for name, (label, following, _) in TRAPS.items():
        (before,), (after,) = (shown[image.symbols[which]] for which in (label, following))
        result[name] = after - before
    return result


def table(cycles: dict[str, float]) -> str:
    lines = ["| | instructions | cycles | cycles an instruction |", "|---|--:|--:|--:|"]
    for name, count in cycles.items():
        instructions = INSTRUCTIONS[name]
        lines.append(f"| {name} | {instructions} | {count:g} | {count / instructions:.2f} |")
    return "\n".join(lines) + "\n"


def test_cycles(measured):
    print("\n" + table(measured))
    assert measured == EXPECTED


MIXED = """
    lw a0, 0(s0)
    add a3, a0, a0
    lw a0, 0(s4)
    div a4, a1, a2
    div a5, a1, a2
    mul a5, a5, a1
    fence.i
    beqz x0, . + 4
    lw a0, 0(s0)
    lw a0, 0(s0)
    sw a0, 0(s0)
    sw a0, 4(s0)
    sw a0, 8(s0)
    sw a0, 12(s0)
    lw s1, 0(s0)
"""

COUNTED = f"""
    li t1, 0x87
    csrw 0x323, t1
    li t0, -1
    csrw mcountinhibit, t0
    csrw mcycle, x0
    csrw minstret, x0
    csrw mhpmcounter3, x0
    csrw mcountinhibit, x0
    {MIXED}
    csrw mcountinhibit, t0
    csrr a0, mcycle
    csrr a1, minstret
    csrr a2, mhpmcounter3
    j end
"""


@pytest.mark.parametrize("stalls", [0.0, 0.5])
def test_every_cycle_is_an_instruction_or_an_event(stalls):
    """Waits for results, memory, fetch and units add up, with events of all of them in one."""
    image = assemble(SETUP + OPERANDS + COUNTED + DATA)
    machine = CoreMachine(image.data, stalls=stalls, seed=4)
    records = machine.run(until=image.symbols["end"])
    cycles, instructions, waits = (record.rd_wdata for record in records[-5:-2])
    assert instructions == len(MIXED.strip().splitlines()) + 1  # with the one that starts them
    assert waits > 10
    assert cycles == instructions + waits


def test_the_reference_page_has_this_table():
    assert table(EXPECTED) in PAGE.read_text()
