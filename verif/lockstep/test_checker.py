"""The checker of lockstep alone: right records are equal, each kind of wrong one is found."""

import subprocess

import pytest

from verif.lockstep.build import compile_with_checker

EXPECTED = {
    "nothing": "equal",
    "pc": "hart 0: pc is 8000000c, but must be 80000008",
    "word": "hart 0: insn is 00052503, but must be 00052583",
    "value": "hart 0: rd_wdata is 10000001, but must be 10000000",
    "register": "hart 0: rd_addr is 0000000a, but must be 0000000b",
    "second register": "hart 0: rd2_addr is 00000003, but must be 00000000",
    "address": "hart 0: mem_addr is 10000004, but must be 10000000",
    "mask": "hart 0: mem_rmask is 00000003, but must be 0000000f",
    "stored": "hart 0: mem_wdata is 10000080, but must be 10000000",
    "next pc": "hart 0: next_pc is 80000010, but must be 8000000c",
    "trap": "hart 0: trap is 00000001, but must be 00000000",
    "memory afterwards": (
        "after the run, memory at 10000008 holds 00000001, but must hold 00000000"
    ),
    "interrupt": "equal",
    "interrupt not raised": "hart 0: interrupt 3 is taken, but nobody raised it",
    "interrupt not enabled": "hart 0: interrupt 3 is taken, but not enabled",
    "interrupt not taken": "hart 0: an interrupt is enabled and raised, but not taken",
    "no interrupt": "equal",
    "mcycle": "equal",
    "mcycle goes back": "hart 0: mcycle does not agree with the cycles that passed",
    "mcycle stands still": "hart 0: mcycle does not agree with the cycles that passed",
    "mcycle runs ahead": "hart 0: mcycle does not agree with the cycles that passed",
    "mip": "equal",
    "mip not raised": "hart 0: mip shows a level that nobody raised",
    "engine": "equal",
    "no engine": "hart 0: rd_wdata is 0000004d, but must be 00000000",
    "overwritten": "equal",
    "overwritten late": "hart 0: rd_wdata is 0000004d, but must be 00000000",
    "stopped": "equal",
    "stopped before": "equal",
    "stopped meanwhile": "equal",
    "stopped after": "after the run, memory at 10000000 holds 00000000, but must hold 10000000",
    "time goes back": "hart 0: an access is older than one that was compared before",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    program = tmp_path_factory.mktemp("checker") / "checker_test"
    compile_with_checker("checker_test.cpp", program)
    done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


def test_every_case_is_there(verdicts):
    assert list(verdicts) == list(EXPECTED)


@pytest.mark.parametrize("case", EXPECTED)
def test_case(verdicts, case):
    assert verdicts[case] == EXPECTED[case]
