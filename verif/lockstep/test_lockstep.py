"""Lockstep of RTL and simulator core: many programs agree, and broken cores are caught."""

from dataclasses import replace

import pytest

from hw.config import CoreConfig
from hw.core import core as core_module
from hw.core.fetch import Fetch
from hw.core.late import LateResults
from verif.lib.planted import plant
from verif.lockstep.layout import CONFIG
from verif.lockstep.program import Disturbance, RandomProgram
from verif.lockstep.run import Divergence, run


def test_random_programs():
    result = run(RandomProgram(seed) for seed in range(1, 6))
    assert result.compared >= 50_000
    # So few programs do not have everything, but of everything something.
    assert len(result.coverage.missing(CONFIG)) < 20


@pytest.mark.slow
def test_a_million_instructions():
    result = run(RandomProgram(seed) for seed in range(10_000, 10_070))
    assert result.compared >= 1_000_000
    assert not result.coverage.missing(CONFIG)


@pytest.mark.slow
@pytest.mark.parametrize(
    "core",
    [
        CoreConfig.of(event_counters=0),
        CoreConfig.of("m", "a"),
        CoreConfig.of("m", "xcv_mem", "xcv_hwlp", event_counters=8),
    ],
    ids=["rv32i", "rv32ima", "kernels"],
)
def test_smaller_cores(core):
    """What a core lacks is illegal, and programs contain it as such."""
    config = replace(CONFIG, core=core)
    result = run((RandomProgram(seed, core=core) for seed in range(20, 30)), config=config)
    assert result.compared >= 100_000
    assert not result.coverage.missing(config)


def _forwarding(monkeypatch):
    """The third operand does not see the result of the instruction right before."""
    wrong = "value if source is rd else Mux(forwarded, registers.rd_data, value)"
    right = "operand.eq(Mux(forwarded, registers.rd_data, value))"
    plant(monkeypatch, core_module.Core, "elaborate", right, f"operand.eq({wrong})")


def _scoreboard(monkeypatch):
    """A quotient does not hold back who reads its register."""
    right = "(starts | self.quotient | self.load)"
    plant(monkeypatch, LateResults, "elaborate", right, "(starts | self.load)")


def _sign(monkeypatch):
    """cv.sdotusp.b takes both operands as signed."""
    instructions = core_module.instructions

    def wrong(core):
        rows = instructions(core)
        signed = next(row.op for row in rows if row.name == "cv.sdotsp.b")
        return tuple(replace(row, op=signed) if row.name == "cv.sdotusp.b" else row for row in rows)

    monkeypatch.setattr(core_module, "instructions", wrong)


def _loop_end(monkeypatch):
    """A hardware loop ends one round early."""
    plant(monkeypatch, Fetch, "_follow_loops", "(count != 1)", "(count > 2)")


def _trap_commits(monkeypatch):
    """An instruction that traps writes its register."""
    right = "registers.write.eq(x_retires & writes"
    wrong = "registers.write.eq((x_retires | x_traps) & writes"
    plant(monkeypatch, core_module.Core, "elaborate", right, wrong)


def _interrupt_lost(monkeypatch):
    """External interrupts are never taken."""
    right = "interrupted.eq(csrs.pending & ~begun)"
    wrong = "interrupted.eq(csrs.pending & ~begun & (csrs.pending_code != 11))"
    plant(monkeypatch, core_module.Core, "elaborate", right, wrong)


def _never_wakes(monkeypatch):
    """wfi sleeps for ever."""
    right = "finished.eq(lsu.idle & late.idle & csrs.wake)"
    plant(monkeypatch, core_module.Core, "elaborate", right, "finished.eq(0)")


BASE = CoreConfig.of("m")
LOOPS = CoreConfig.of("xcv_hwlp")
DOTS = CoreConfig.of("m", "xcv_simd")


def check_caught(monkeypatch, bug, core, message):
    bug(monkeypatch)
    config = replace(CONFIG, core=core)
    calm = Disturbance(interrupts=400, phase=10)
    programs = (RandomProgram(seed, 5000, core=core, disturbance=calm) for seed in range(10))
    with pytest.raises(Divergence, match=message):
        run(programs, config=config, quick=True)


def test_a_missed_scoreboard_bit_is_caught(monkeypatch):
    check_caught(monkeypatch, _scoreboard, BASE, "must be")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "core", "message"),
    [
        (_forwarding, DOTS, "must be"),
        (_sign, DOTS, r"rd_wdata is .* must be[^@]*"),
        (_loop_end, LOOPS, "must be"),
        (_trap_commits, BASE, "must be"),
        (_interrupt_lost, BASE, "enabled and raised, but not taken"),
        (_never_wakes, BASE, "hart [01] hangs"),
    ],
    ids=["forwarding", "sign", "loop end", "trap commits", "interrupt lost", "hang"],
)
def test_a_broken_core_is_caught(monkeypatch, bug, core, message):
    check_caught(monkeypatch, bug, core, message)
