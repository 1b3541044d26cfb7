"""Cycles per instruction of the core, with a memory that always answers in one cycle.

`pytest -s verif/unit/core/test_core_cpi.py` prints the table of docs/reference/core.md.
"""

import pytest

from hw.core.core import Core
from verif.lib.assembler import assemble
from verif.lib.core_machine import CoreMachine

REPEAT = 20

PIECES = {
    # name: (instructions, how many, cycles they take)
    "dependent additions": ("addi a0, a0, 1", 1, 1),
    "independent loads": ("lw a0, 0(s0)", 1, 1),
    "load and independent use": ("lw a0, 0(s0)\naddi a1, a1, 1\nadd a2, a2, a0", 3, 3),
    "load and use right after": ("lw a0, 0(s0)\nadd a2, a2, a0", 2, 3),
    "load and store of it": ("lw a0, 0(s0)\nsw a0, 4(s0)", 2, 3),
    "pointer chase": ("lw s1, 0(s1)", 1, 2),
    "stores": ("sw a0, 0(s0)", 1, 1),
    "store and load": ("sw a0, 0(s0)\nlw a1, 0(s0)", 2, 2),
    "branch not taken": ("bnez x0, end", 1, 1),
    "branch taken": ("beqz x0, . + 4", 1, 2),
    "jump": ("jal x0, . + 4", 1, 2),
    "dependent multiplications": ("mul a0, a0, a1", 1, 1),
    "high products": ("mulh a0, a0, a1", 1, 1),
    "divisions": ("div a0, a1, a2", 1, 34),
    "CSR read": ("csrr a0, mhartid\nnop", 2, 3),
    "CSR reads": ("csrr a0, mhartid", 1, 2),
    "fence": ("fence", 1, 1),
    "fence.i": ("fence.i", 1, 2),
}

LOOPS = {
    # name: (body of a loop that counts s2 down, cycles of one round)
    "count down": ("addi s2, s2, -1\nbnez s2, loop", 3),
    "sum of words": ("lw a0, 0(s0)\naddi s2, s2, -1\nadd a1, a1, a0\nbnez s2, loop", 5),
    "int8 dot product, scalar": (
        "lb a0, 0(s0)\nlb a1, 0(s0)\naddi s2, s2, -1\nmul a0, a0, a1\nadd a2, a2, a0\n"
        "bnez s2, loop",
        7,
    ),
}

SETUP = "la s0, data\nmv s1, s0\nli a1, 12345\nli a2, 7\nli s2, 10\n"
DATA = "\nend: j end\n.balign 4\ndata: .word data, 0\n"


def cycles_before(text, *labels):
    """Run a program; return when the instructions right before the labels last retired."""
    image = assemble(SETUP + text + DATA)
    machine = CoreMachine(Core(retire=True), image.data)
    machine.run(until=image.symbols["end"])
    last = {event.pc: cycle for cycle, event in machine.events}
    return [last[image.symbols[label] - 4] for label in labels]


@pytest.mark.parametrize("name", PIECES)
def test_pieces(name):
    text, instructions, expected = PIECES[name]
    program = f"{text}\nfirst:\n" + f"{text}\n" * REPEAT + "last: nop\n"
    first, last = cycles_before(program, "first", "last")
    cycles = (last - first) / REPEAT
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
