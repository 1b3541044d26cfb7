"""The runtime's counters, teams and DMA on the simulator core and on the RTL."""

import re
from dataclasses import replace

import pytest

from heed.simulator import Simulator
from heed.simulator.iss import IssSimulator
from heed.toolchain import compile
from heed.toolchain.compiler import FIRMWARE, INCLUDE
from hw.config import DEVICE_BASE, CoreConfig
from hw.core.types import CoreEvent
from hw.presets import PAPER, TINY
from hw.regmap import DMA

TARGETS = ("iss", "rtl")
NAMES = {"OPERAND_WAIT": "LATE_WAIT"}
"""Events that programs know by another name."""


@pytest.fixture(scope="module")
def simulators():
    return {"iss": IssSimulator(TINY), "rtl": Simulator.build(TINY)}


@pytest.fixture
def run(simulators):
    def run_program(target, name, harts=2, **options):
        elf = compile([FIRMWARE / "tests" / f"{name}.c"], config=TINY, **options)
        return simulators[target].run(elf, harts=harts, max_cycles=20_000_000)

    return run_program


@pytest.mark.parametrize("harts", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
def test_counters(run, target, harts):
    """Loads, stores and jumps are as many as there are, and waits explain every cycle."""
    result = run(target, "counters", harts)
    assert (result.status, result.console) == (0, f"{harts} harts counted\n".encode())
    words = [word for _, word in result.mailbox]
    assert len(words) == 2 * harts
    if harts == 1:
        cycles, explained = words
        assert cycles == explained > 5 * 40


def test_counters_of_both_targets_agree(run):
    first, second = (run(target, "counters", 1).mailbox for target in TARGETS)
    assert [word for _, word in first] == [word for _, word in second]


@pytest.mark.parametrize("count", [0, 1, 8])
def test_other_numbers_of_counters(simulators, tmp_path, count):
    """A snapshot of as many as the program says; those that the core lacks read 0."""
    source = tmp_path / "program.c"
    source.write_text("""
    #include "heed/counters.h"
    int main(void)
    {
        static const uint32_t events[8] = {
            HEED_COUNT_REDIRECT, HEED_COUNT_REDIRECT, HEED_COUNT_REDIRECT, HEED_COUNT_REDIRECT,
            HEED_COUNT_REDIRECT, HEED_COUNT_REDIRECT, HEED_COUNT_REDIRECT, HEED_COUNT_REDIRECT,
        };
        heed_counters_select(events);
        heed_counters_start();
        for (volatile int i = 0; i < 50; i++)
            ;
        heed_counters_stop();
        struct heed_counters seen = heed_counters_read();
        for (unsigned i = 0; i < HEED_EVENT_COUNTERS; i++)
            if (i < 4 ? seen.events[i] < 40 || seen.events[i] != seen.events[0] : seen.events[i])
                return 1 + (int)i;
        return seen.cycles <= seen.instructions;
    }
    """)
    elf = compile([source], config=TINY, defines={"HEED_EVENT_COUNTERS": count})
    assert [simulators[target].run(elf).status for target in TARGETS] == [0, 0]


def test_events_are_those_of_the_core():
    text = (INCLUDE / "heed" / "counters.h").read_text()
    found = re.findall(r"#define HEED_COUNT_(\w+) \(1u << (\d)\)", text)
    wanted = {NAMES.get(event.name, event.name): event.value for event in CoreEvent}
    assert {name: int(bit) for name, bit in found} == wanted


@pytest.mark.parametrize("harts", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
def test_team(run, target, harts):
    result = run(target, "team", harts)
    assert (result.status, result.console) == (
        0,
        f"{harts} harts, from 1 to {harts}\n".encode(),
    )


def test_a_team_of_nine():
    elf = compile([FIRMWARE / "tests" / "team.c"], config=PAPER)
    result = IssSimulator(PAPER).run(elf, harts=9)
    assert (result.status, result.console) == (0, b"9 harts, from 1 to 9\n")


@pytest.mark.parametrize("core", [CoreConfig(), CoreConfig.of("m")], ids=["complete", "m"])
def test_dma(core):
    """1-D to 3-D, any alignment, both directions, failures, a full queue."""
    config = replace(TINY, core=core)
    elf = compile([FIRMWARE / "tests" / "dma.c"], config=config)
    result = IssSimulator(config).run(elf, harts=2, max_cycles=20_000_000)
    assert (result.status, result.console) == (0, b"all copies agree\n")


def test_the_dma_program_notices_a_wrong_byte(simulators, tmp_path):
    text = (FIRMWARE / "tests" / "dma.c").read_text()
    wrong = text.replace("bool well =", "target[77] ^= 4;\n    bool well =")
    assert wrong != text
    source = tmp_path / "dma.c"
    source.write_text(wrong)
    result = simulators["iss"].run(compile([source], config=TINY), max_cycles=20_000_000)
    assert result.status == 1
    assert re.fullmatch(rb"run, in: byte 77 is \d+, not \d+\n", result.console)


def test_without_a_dma_the_program_traps(run):
    """The RTL has none yet: a message and an end, no hang."""
    result = run("rtl", "dma")
    assert result.exited and result.status == 200
    assert re.fullmatch(
        rb"hart 0: trap, mcause 0x7, mepc 0x8000[0-9a-f]{4}, mtval 0x%x\n"
        % (DEVICE_BASE + DMA.offset),
        result.console,
    )
