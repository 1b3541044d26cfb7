"""Random programs: repeatable, full of everything, of what a core has only."""

import pytest

from heed.errors import HeedError
from hw.config import CORE_GROUPS, CoreConfig
from sw_model.isa.fields import FIELDS
from verif.lockstep import layout
from verif.lockstep.__main__ import main
from verif.lockstep.program import Disturbance, RandomProgram
from verif.lockstep.words import FORMS, find


def code(program):
    """The words that harts run, of all of them."""
    starts = {f(hart) for f in (layout.main_code, layout.tcdm_code) for hart in range(layout.HARTS)}
    for base, data in program.segments:
        if base in starts:
            yield from (int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4))


def test_a_seed_is_a_program():
    assert RandomProgram(7, 2000).pack() == RandomProgram(7, 2000).pack()
    assert RandomProgram(7, 2000).pack() != RandomProgram(8, 2000).pack()


def test_disturbance_does_not_change_the_program():
    program = RandomProgram(7, 2000)
    calm = RandomProgram(7, 2000, disturbance=Disturbance())
    assert program.segments == calm.segments
    assert str(program.disturbance.phase) in program.options


def test_programs_have_every_instruction():
    words = {word for seed in range(12) for word in code(RandomProgram(seed))}
    assert {form.key for form in map(find, words) if form} == set(FORMS)
    # And some that are none.
    assert any(find(word) is None for word in words)


def test_length_and_place():
    for length in (200, 10_000):
        program = RandomProgram(3, length)
        assert program.instructions < 4 * length + 1000
    spans = sorted((base, base + len(data)) for base, data in program.segments)
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))


@pytest.mark.parametrize("missing", CORE_GROUPS)
def test_what_a_core_lacks_is_rare(missing):
    """Only where an illegal word is wanted."""
    core = CoreConfig(**{missing: False})
    words = list(code(RandomProgram(1, 5000, core=core)))
    forms = [form for form in map(find, words) if form]
    assert sum(form.row.group == missing for form in forms) < len(words) / 100


def test_words_hold_their_operands():
    """What is put into a word is found there, and the row is still the same."""
    form = FORMS["cv.sdotusp.b"]
    word = form.word(rd=1, rs1=2, rs2=3)
    assert find(word) is form
    assert [FIELDS[name].get(word) for name in ("rd", "rs1", "rs2")] == [1, 2, 3]
    word = FORMS["bne"].word(rs1=4, rs2=5, imm=-8)
    assert find(word) is FORMS["bne"]
    assert FIELDS["imm_b"].get(word) == -8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--grant", "0"], "grant is 0, but must be from 1 to 256"),
        (["--stall", "256"], "stall is 256, but must be from 0 to 255"),
        (["--programs", "0"], "programs is 0, but must be 1 or more"),
        (["--length", "0"], "length is 0, but must be 1 or more"),
        (["--length", "1000000"], "length is 1000000, which takes"),
    ],
)
def test_bad_options(monkeypatch, capsys, options, message):
    monkeypatch.setattr("sys.argv", ["lockstep", *options])
    assert main() == 1
    assert message in capsys.readouterr().out


def test_disturbance_out_of_range():
    with pytest.raises(HeedError, match="interrupts is 65536, but must be from 0 to 65535"):
        Disturbance(interrupts=65536)
