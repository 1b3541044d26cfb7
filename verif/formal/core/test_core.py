"""A few of the core's proofs, and that the command says what fails; `make formal-core` does all."""

import pytest

from verif.formal.core import __main__ as command
from verif.formal.core.suite import PROOFS
from verif.formal.harness import ProofError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("solver_tools")]

SAMPLE = ("order", "writes", "illegal")


def test_planted_bugs_are_in_the_source():
    classes = [bug.classes for proof in PROOFS for bug in proof.bugs]
    assert len(classes) > 15


@pytest.mark.parametrize("name", SAMPLE)
def test_sample(name):
    (proof,) = (proof for proof in PROOFS if proof.name == name)
    for _, do in proof.steps():
        do()


def test_command_says_what_fails(monkeypatch, capsys):
    (illegal,) = (proof for proof in PROOFS if proof.name == "illegal")
    broken = illegal.bugs[0].classes
    monkeypatch.setattr(command, "PROOFS", (_with(illegal, broken),))
    assert command.main(["--no-bugs"]) == 1
    out = capsys.readouterr().out
    assert "FAIL illegal: " in out and "no_instruction_is_refused" in out
    assert "0 of 1 as they should be" in out
    assert command.main(["--list"]) == 0
    assert command.main(["other"]) == 2
    assert "no proof is called other; there are: illegal" in capsys.readouterr().out


def test_a_bug_that_is_not_found_fails():
    (illegal,) = (proof for proof in PROOFS if proof.name == "illegal")
    from dataclasses import replace

    harmless = replace(illegal.bugs[0], new=illegal.bugs[0].old)
    name, find = list(replace(illegal, bugs=(harmless,)).steps())[-1]
    assert name == "illegal: a bug of Exceptions"
    with pytest.raises(ProofError, match="nothing fails in cycle"):
        find()


def _with(proof, classes):
    """The proof, of a broken core."""

    class Broken(type(proof)):
        def bench(self, using=None):
            return super().bench(classes)

    return Broken(proof.name, proof.properties, proof.depth, proof.reaches)
