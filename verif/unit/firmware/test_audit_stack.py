"""Stacks measured on the simulator core are never deeper than the audit's bound, and reach it."""

import numpy as np
import pytest

from heed.audit import audit, project_images
from heed.kernels import Cluster, Memory
from heed.kernels.tokens import mean_pool
from heed.run import run_network
from heed.simulator.iss import IssSimulator
from heed.toolchain import compile, symbols
from heed.zoo.digits_vit import load_graph, load_images
from hw.presets import TINY
from sw_model.ops import Entry
from verif.lib.painted import Painted

RECIPES = {recipe.name: recipe for recipe in project_images()}
PROGRAMS = {
    "apps/hello": (2, 140),
    "tests/barrier": (2, 120),
    "tests/counters": (2, 120),
    "tests/dma": (1, 140),
    "tests/engine": (1, 120),
    "tests/exit_code": (1, 4),
    "tests/faults": (1, 120),
    "tests/interrupts": (2, 100),
    "tests/mailbox": (1, 4),
    "tests/team": (2, 120),
}
"""Of each program that ends: harts that run it, and what the deepest stack surely takes."""
BOUNDS = {"tests/exit_code": 16}
"""Of programs whose deepest path is that of a trap, what they take without one."""
SP = 2


def simulator():
    return Painted(IssSimulator(TINY))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    recipe, (harts, least) = RECIPES[name], PROGRAMS[name]
    painted = simulator()
    elf = recipe.make(TINY)
    run = painted.run(elf, harts=harts, max_cycles=20_000_000)
    bound = audit(elf, TINY, nowhere=recipe.nowhere).worst.bytes
    assert run.exited and run.status == 0
    assert least <= max(painted.used) <= bound


@pytest.mark.parametrize("name", ["apps/hello", "tests/barrier", "tests/team", "tests/exit_code"])
def test_the_bound_is_reached(name):
    """The stack pointer itself gets as low as the bound says, where the deepest path is taken."""
    elf = RECIPES[name].make(TINY)
    found = audit(elf, TINY)
    top, lowest = symbols(elf)["__stack_top"], []

    def note(hart, retired):
        if hart == 0 and retired.rd_addr == SP:
            lowest[:] = [min([*lowest, retired.rd_wdata])]

    IssSimulator(TINY).run(elf, trace=note)
    assert top - lowest[0] == BOUNDS.get(name, found.worst.bytes) <= found.worst.bytes


def test_the_network():
    painted = simulator()
    run_network(load_graph(), load_images()[0][:1], TINY, simulator=painted)
    bound = audit(painted.elf, TINY).worst.bytes
    assert all(bound / 2 <= used <= bound for used in painted.used)


def test_a_kernel():
    painted = simulator()
    memory = Memory()
    entry = Entry(mul=[3], add=[0], shift=[7])
    job = mean_pool(memory, np.ones((5, 19), np.int8), entry)
    Cluster(painted).run(memory.image(), [job], 2)
    found = audit(painted.elf, TINY)
    assert all(16 <= used <= found.worst.bytes for used in painted.used)


@pytest.mark.parametrize("size", [100, 3000])
def test_planted_frames(size, tmp_path):
    """What a stack takes is the bound to the byte, whatever way the frame is set up."""
    source = tmp_path / "program.c"
    source.write_text(f"""
    __attribute__((noinline)) int fill(volatile char *room)
    {{
        for (int i = 0; i < {size}; i++)
            room[i] = 1;
        return room[1];
    }}
    __attribute__((noinline)) int wide(void) {{ volatile char room[{size}]; return fill(room); }}
    int main(void) {{ return wide() - 1; }}
    """)
    painted = simulator()
    assert painted.run(compile([source], config=TINY)).status == 0
    bound = audit(painted.elf, TINY).worst.bytes
    assert bound - 16 <= painted.used[0] <= bound


def test_a_trap_starts_on_a_fresh_stack(tmp_path):
    source = tmp_path / "program.c"
    source.write_text("int main(void) { return *(volatile int *)0x40000000; }")
    painted = simulator()
    assert painted.run(compile([source], config=TINY)).status == 200
    found = audit(painted.elf, TINY)
    assert found.worst.path[0] == "heed_trap_entry"
    assert found.worst.bytes - 16 <= painted.used[0] <= found.worst.bytes
