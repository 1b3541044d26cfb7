"""The proof harness itself: failures are reported by name, and nothing passes for being empty."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.tcdm.arbiter import RoundRobinArbiter
from verif.formal import harness
from verif.formal.harness import Bench, ProofError, bounded, mutated, prove, reach, refuted

pytestmark = pytest.mark.slow


class Counter(wiring.Component):
    """Counts to 10 and stays; states above are there, but never reached."""

    step: In(1)
    count: Out(4)

    def elaborate(self, platform):
        m = Module()
        with m.If(self.step & (self.count != 10)):
            m.d.sync += self.count.eq(self.count + 1)
        return m


def bench(limit):
    counter = Counter()
    b = Bench(counter)
    b.check("stays_below", counter.count < limit)
    b.check("other", counter.count < 16)
    b.cover("five", counter.count == 5)
    b.cover("ten", counter.count == 10)
    return b


def test_what_fails_is_named():
    with pytest.raises(ProofError, match=r"counter: stays_below fails \(traces and log in "):
        prove(bench(5), "counter", depth=8)
    with pytest.raises(ProofError, match="counter: stays_below fails"):
        bounded(bench(5), "counter", depth=8)
    assert refuted(bench(5), "counter", depth=8) == "stays_below"


def test_a_bound_is_no_proof():
    bounded(bench(9), "counter", depth=8)
    with pytest.raises(ProofError, match="stays_below is not inductive in 2 cycles"):
        prove(bench(9), "counter", depth=2)
    prove(bench(11), "counter", depth=2)


def test_what_is_not_reached_is_named():
    reach(bench(11), "counter", depth=12)
    with pytest.raises(ProofError, match="counter: not reached in 8 cycles: ten"):
        reach(bench(11), "counter", depth=8)


def test_a_bug_that_no_check_sees():
    with pytest.raises(ProofError, match="holds for 8 cycles, but one should fail"):
        refuted(bench(11), "counter", depth=8)


def test_no_checks_is_an_error():
    with pytest.raises(ProofError, match="nothing to check"):
        prove(Bench(Counter()), "empty", depth=2)
    with pytest.raises(ProofError, match="nothing to cover"):
        reach(Bench(Counter()), "empty", depth=2)


def test_results_are_kept(monkeypatch):
    prove(bench(11), "counter", depth=3)
    monkeypatch.setattr(harness.subprocess, "run", None)
    prove(bench(11), "counter", depth=3)


def test_a_solver_that_ends_early(monkeypatch, tmp_path):
    monkeypatch.setattr(harness, "BUILD", tmp_path)
    monkeypatch.setattr(harness, "_SBY", harness._SBY.replace("smtbmc z3", "smtbmc nothing"))
    with pytest.raises(ProofError, match="counter: the solver ended with ERROR"):
        prove(bench(11), "counter", depth=2)
    assert not list(tmp_path.rglob("result.json"))


def test_names():
    b = bench(11)
    for name in ("other", "dut", "two words"):
        with pytest.raises(ValueError, match="must be a new identifier"):
            b.check(name, 1)
    with pytest.raises(LookupError, match="0 signals are named 'nothing'"):
        b.internal("nothing")


def test_mutations_that_are_none():
    with pytest.raises(ValueError, match="0 times, not once"):
        mutated(RoundRobinArbiter, "not there", "anything")
    with pytest.raises(ValueError, match="has no name Nobody"):
        mutated(RoundRobinArbiter, Nobody=None)
