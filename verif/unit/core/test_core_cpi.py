"""Cycles per instruction of the core, with a memory that always answers in one cycle.

`pytest -s verif/unit/core/test_core_cpi.py` prints the table of docs/reference/core.md.
"""

import pytest

from verif.lib.assembler import assemble
from verif.lib.core_machine import CoreMachine

REPEAT = 20

PIECES = {
    # name: (instructions, how many, cycles they take)
    "dependent additions": ("addi a0, a0, 1", 1, 1),
    "independent loads": ("lw a0, 0(s0)\nlw a3, 4(s0)", 2, 2),
    "loads to one register": ("lw a0, 0(s0)\nlw a0, 4(s0)", 2, 4),
    "load and independent use": ("lw a0, 0(s0)\naddi a1, a1, 1\nadd a2, a2, a0", 3, 3),
    "load and use right after": ("lw a0, 0(s0)\nadd a2, a2, a0", 2, 3),
    "load and store of it": ("lw a0, 0(s0)\nsw a0, 4(s0)", 2, 3),
    "load with post-increment, and use of the base": (
        "cv.lw a0, (s3), 0\naddi a1, s3, 1",
        2,
        2,
    ),
    "pointer chase": ("lw s1, 0(s1)", 1, 2),
    "stores": ("sw a0, 0(s0)", 1, 1),
    "store and load": ("sw a0, 0(s0)\nlw a1, 0(s0)", 2, 2),
    "atomic additions": ("amoadd.w a0, a1, (s0)", 1, 2),
    "load from main memory": ("lw a0, 0(s4)", 1, 2),
    "branch not taken": ("bnez x0, end", 1, 1),
    "branch taken": ("beqz x0, . + 4", 1, 2),
    "jump": ("jal x0, . + 4", 1, 2),
    "dependent products": ("mul a0, a0, a1", 1, 2),
    "products": ("mulh a0, a1, a2\nmul a3, a1, a2", 2, 2),
    "accumulation": ("cv.mac a0, a1, a2\ncv.mac a3, a1, a2", 2, 2),
    "dependent dot products": ("cv.sdotsp.b a0, a1, a2", 1, 1),
    "requantisation of four words, a byte each": (
        "\n".join(f".insn r 0x2b, 5, 0, {rd}, a1, a2" for rd in ("a0", "a3", "a4", "a5")),
        4,
        4,
    ),
    "requantisation of a word, byte by byte": (
        "\n".join(f".insn r 0x2b, 5, {lane}, a0, a1, a2" for lane in range(4)),
        4,
        8,
    ),
    "division of 12345 by 7": ("div a0, a1, a2", 1, 15),
    "division beside other work": ("div a0, a1, a2\n" + "addi a3, a3, 1\n" * 14, 15, 15),
    "CSR reads": ("csrr a0, mhartid", 1, 1),
    "fence": ("fence", 1, 1),
    "fence.i": ("fence.i", 1, 2),
    "set-up of a hardware loop": ("cv.counti 0, 0", 1, 2),
}

HARDWARE_LOOP = {"cv.counti 0, 0": ".insn i 0x2b, 4, x8, x0, 0"}
"""Instructions that the assembler does not know."""

LOOPS = {
    # name: (body of a loop that counts s2 down, cycles of one round)
    "count down": ("addi s2, s2, -1\nbnez s2, loop", 3),
    "sum of words": ("lw a0, 0(s0)\naddi s2, s2, -1\nadd a1, a1, a0\nbnez s2, loop", 5),
    "int8 dot product, scalar": (
        "lb a0, 0(s0)\nlb a1, 0(s0)\naddi s2, s2, -1\nmul a0, a0, a1\nnop\nadd a2, a2, a0\n"
        "bnez s2, loop",
        8,
    ),
}

SETUP = """
    li s0, 0x10000000
    mv s1, s0
    sw s1, 0(s0)
    mv s3, s0
    la s4, data
    li a1, 12345
    li a2, 7
    li s2, 10
"""
DATA = "\nend: j end\n.balign 4\ndata: .word data, 0\n"


def cycles_before(text, *labels):
    """Run a program; return when the instructions right before the labels last retired."""
    for name, word in HARDWARE_LOOP.items():
        text = text.replace(name, word)
    image = assemble(SETUP + text + DATA)
    machine = CoreMachine(image.data)
    machine.run(until=image.symbols["end"])
    last = {record.pc: cycle for cycle, record in machine.records}
    return [last[image.symbols[label] - 4] for label in labels]


@pytest.mark.parametrize("name", PIECES)
def test_pieces(name):
    text, instructions, expected = PIECES[name]
    settle = "nop\n" * 40  # the trace shows an instruction when its late result is there
    program = f"{text}\n{settle}first:\n" + f"{text}\n" * REPEAT + f"{settle}last: nop\n"
    first, last = cycles_before(program, "first", "last")
    cycles = round((last - first - 40) / REPEAT, 1)
    print(f"\n| {name} | {instructions} | {cycles:g} | {cycles / instructions:.2f} |", end="")
    assert cycles == expected


@pytest.mark.parametrize("name", LOOPS)
def test_loops(name):
    body, expected = LOOPS[name]
    first, last = cycles_before(f"nop\nloop: {body}\nnop\nlast: nop\n", "loop", "last")
    instructions = body.count("\n") + 1
    cycles = (last - first) / 10  # the last round's branch is not taken, the nop takes its place
    print(f"\n| loop: {name} | {instructions} | {cycles:g} | {cycles / instructions:.2f} |", end="")
    assert cycles == expected


def test_traps_and_returns():
    text = """
        la t0, handler
        csrw mtvec, t0
        ecall
    trapped:
        .balign 4
    handler:
        nop
    entered:
        la t0, back
        csrw mepc, t0
        mret
    left:
        nop
        nop
    back:
        nop
    returned:
        nop
    """
    labels = ("trapped", "entered", "left", "returned")
    trapped, entered, left, returned = cycles_before(text, *labels)
    print(f"\n| mret | 1 | {returned - left} |\n| trap | 1 | {entered - trapped} |", end="")
    assert entered - trapped == 2
    assert returned - left == 2
