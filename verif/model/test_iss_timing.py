"""The simulator's estimate of cycles, against what the core takes for the same sequences.

The sequences and their cycles are those that `verif/unit/core/test_core_cpi.py` measures.
"""

import pytest

from heed.doctor import build_folder
from hw.config import MAIN_BASE, TCDM_BASE, CoreConfig
from hw.core.instructions import instructions
from hw.core.types import Unit
from hw.presets import TINY
from sw_model.iss import Iss
from verif.lib.assembler import Image, assemble
from verif.unit.core import test_core_cpi as core

REPEAT = 20
SETUP = """
    li s0, 0x10000000
    la s4, data
    li a1, 12345
    li a2, 7
"""
DATA = "\nend: j end\n.balign 4\ndata: .word data, 0\n"


class _Ended(Exception):
    pass


def times(image: Image) -> dict[int, list[int]]:
    """Run to the label `end`; return when the instructions at each address left."""
    iss = Iss(TINY, build_folder() / "iss")
    iss.write(image.base, image.data)
    shown = {}

    def trace(hart, record):
        shown.setdefault(record.pc, []).append(record.time)
        if record.pc == image.symbols["end"]:
            raise _Ended

    with pytest.raises(_Ended):
        iss.run(image.base, trace=trace, max_cycles=100_000)
    return shown


def test_pieces():
    """All the sequences that the core is measured with."""
    image = assemble(core.program())
    shown = times(image)

    def round_of(number):
        copies = range(core.REPEAT if number < len(core.PIECES) else 1)
        found = [time for n in copies for time in shown[image.symbols[f"p{number}_{n}"]]]
        return (found[-1] - found[1]) / (core.REPEAT - 2)

    names = [name for table in core.TABLES for name in table]
    result = {name: round_of(number) for number, name in enumerate(names)}
    for name, (label, following, _) in core.TRAPS.items():
        (before,), (after,) = (shown[image.symbols[which]] for which in (label, following))
        result[name] = after - before
    assert result == core.EXPECTED


def run(text: str, *labels: str, base: int = MAIN_BASE) -> list[int]:
    """Return when the instructions right before the labels last left."""
    image = assemble(SETUP + text + DATA, base=base)
    shown = times(image)
    return [shown[image.symbols[label] - 4][-1] for label in labels]


def cycles(text: str, **options) -> float:
    """Cycles of a sequence that is repeated many times."""
    program = f"{text}\n" * 4 + "first:\n" + f"{text}\n" * REPEAT + "last: nop\n"
    first, last = run(program, "first", "last", **options)
    return (last - first) / REPEAT


@pytest.mark.parametrize(
    "text, expected",
    (
        ("sw a0, 0(s0)\nlw a0, 0(s4)", 4),  # a blocking access waits for the one to TCDM
        ("sw a0, 0(s0)\nnop\nlw a0, 0(s4)", 4),
        ("lw a0, 0(s4)\naddi a0, a0, 1", 3),  # and its result is there at once
        ("sw a0, 0(s4)", 2),
        ("lr.w a0, (s4)", 2),
        ("sc.w a0, a1, (s4)", 2),
        ("amoadd.w a0, a1, (s4)", 4),
        ("sw a0, 0(s0)\nfence", 3),
        ("div a0, a1, a2\ndiv a3, a1, a2", 30),
        ("div x0, a1, a2", 15),
        ("div a0, a1, x0", 3),
        ("lw x0, 0(s0)", 1),
        ("mul a0, a1, a2\nmv a0, a1", 3),  # who writes the register waits too
    ),
)
def test_more_pieces(text, expected):
    assert cycles(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    (
        ("nop", 3),
        ("mul a0, a0, a1", 3),  # waits are hidden between fetches
        ("lui a5, 0x80008\nlw a0, 0(a5)", 6),
        ("beqz x0, . + 4", 3),
        ("j . + 8\nnop\nnop", 9),
        ("lw a0, 0(s0)", 4),  # loads hold the fetch up
        ("lw a0, 0(s0)\nadd a2, a2, a0", 7),
        ("sw a0, 0(s0)", 4),
    ),
)
def test_code_in_tcdm(text, expected):
    """What the gateware takes, its fetch port included."""
    assert cycles(text, base=TCDM_BASE + 0x4000) == expected


def test_hardware_loop_costs_nothing():
    """cv.setup 0, t0, 3: two instructions; the second uses what the first loads."""
    loop = "li t0, {}\n .word 0x0032c72b\n lw t1, 0(s0)\n add t2, t2, t1\nlast: nop\n"
    few, many = (run("first: " + loop.format(count), "last")[0] for count in (10, 110))
    assert many - few == 300


def test_traced_runs_take_the_same_time():
    image = assemble(core.program().replace("\nend: j end", "\nend: ecall\n"))
    found = []
    for trace in (None, lambda hart, record: None):
        iss = Iss(TINY, build_folder() / "iss")
        iss.write(image.base, image.data)
        outcome = iss.run(image.base, trace=trace, max_cycles=100_000)
        found.append((outcome.cycles, outcome.instructions, outcome.pcs))
    assert found[0] == found[1]


COMPUTING = (Unit.ALU, Unit.XALU, Unit.BIT, Unit.SIMD, Unit.DOT, Unit.MULTIPLY, Unit.REQUANTISE)
PLACES = {"rs1": 15, "rs2": 20, "rd": 7}
REGISTER, OTHER = 5, 10


def placed(row, **registers: int) -> int:
    """A row's word with registers in its fields, as far as the row leaves these open."""
    word = row.match
    for name, place in PLACES.items():
        word |= registers.get(name, OTHER) << place & ~row.mask
    return word


def test_who_waits_for_whom():
    """For every instruction that computes: which registers it waits for, and who waits for it."""
    mul, add = (
        next(row for row in instructions(CoreConfig()) if row.name == n) for n in ("mul", "add")
    )
    nops = [0x13] * 2
    words, expected = [], {}

    def pair(name, first, second, waits):
        words.extend([first, second, *nops])
        expected[4 * (len(words) - 3)] = name, 2 if waits else 1

    for row in instructions(CoreConfig()):
        if row.unit not in COMPUTING:
            continue
        late = row.unit in (Unit.MULTIPLY, Unit.REQUANTISE)
        pair(f"after {row.name}", placed(row, rd=REGISTER), placed(add, rs1=REGISTER), late)
        for name in PLACES:
            waits = name == "rd" or getattr(row.format, f"reads_{name}")
            word = placed(row, **{name: REGISTER})
            pair(f"{name} of {row.name}", placed(mul, rd=REGISTER), word, waits)
    words.append(0x73)
    times = {}
    iss = Iss(TINY, build_folder() / "iss")
    iss.write(MAIN_BASE, b"".join(word.to_bytes(4, "little") for word in words))
    iss.run(MAIN_BASE, trace=lambda hart, r: times.setdefault(r.pc - MAIN_BASE, r.time))
    found = {pc: (name, times[pc] - times[pc - 4]) for pc, (name, _) in expected.items()}
    assert found == expected
    assert len(expected) > 1000
