"""The runner reports what happened; and heed_ram works in both simulators."""

import pytest

from hw.common.ram import Ram
from verif.lib import runner
from verif.lib.runner import ToolError, have_icarus, run_tests

DEPTH, LANES = 48, 4


def run(testcase, **options):
    run_tests(
        Ram(depth=DEPTH, width=8 * LANES),
        top="ram",
        test_module="verif.block.runner.tb_ram",
        env={"DEPTH": str(DEPTH), "LANES": str(LANES)},
        testcase=testcase,
        **options,
    )


def test_heed_ram_on_verilator():
    run("random_accesses")


def test_heed_ram_on_icarus():
    if not have_icarus():
        pytest.skip("iverilog is not on PATH (package iverilog)")
    run("random_accesses", simulator="icarus")


@pytest.mark.parametrize("name", ["must_fail", "must_time_out"])
def test_a_failure_is_reported(name):
    with pytest.raises(AssertionError, match=f"^failed: {name}\n"):
        run(name)


def test_no_test_is_a_failure():
    with pytest.raises(AssertionError, match="^(no test ran|the simulation ended)"):
        run("there_is_no_such_test")


def test_a_second_run_reuses_the_build(monkeypatch):
    """Nothing is compiled when the Verilog, the flags and the versions are the same."""
    run("random_accesses")
    monkeypatch.setattr(runner, "_compile", lambda *_: pytest.fail("compiled again"))
    run("random_accesses")
    with pytest.raises(pytest.fail.Exception, match="compiled again"):
        run("random_accesses", defines=["ANOTHER_MACRO"])


def test_missing_tools_are_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match=r"g\+\+ is not on PATH: .* install package g\+\+"):
        run("random_accesses")
    with pytest.raises(ToolError, match="iverilog is not on PATH"):
        run("random_accesses", simulator="icarus")


def test_refuses_an_unknown_simulator():
    with pytest.raises(ValueError, match="simulator is 'vcs'"):
        run("random_accesses", simulator="vcs")
