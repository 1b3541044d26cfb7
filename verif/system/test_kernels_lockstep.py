"""Kernels on the RTL, every instruction of every hart compared with the simulator core."""

import numpy as np
import pytest

from heed.kernels import Cluster, Memory, check
from heed.kernels.convolution import conv2d
from heed.kernels.norm import layernorm
from heed.simulator import Simulator
from hw.presets import TINY
from sw_model import ops
from verif.lib.kernel_operands import draw, draw_entry
from verif.unit.firmware.test_attention import make as attention_case
from verif.unit.firmware.test_linear import core_case, core_entries, general_case


class Lockstep:
    """A simulator whose runs all compare; `compared` counts the instructions."""

    def __init__(self, simulator):
        self._simulator, self.config, self.compared = simulator, simulator.config, 0

    def run(self, *words, **options):
        result = self._simulator.run(*words, lockstep=True, **options)
        self.compared += result.compared
        return result


@pytest.fixture(scope="module")
def simulator():
    return Lockstep(Simulator.build(TINY, tracing=True))


@pytest.fixture(scope="module")
def cluster(simulator):
    return Cluster(simulator)


def convolution():
    rng = np.random.default_rng(0)
    x, weight = draw(rng, (1, 7, 9, 3), "uint8"), draw(rng, (6, 3, 3, 3), "int8")
    entries = core_entries(rng, 6)
    how = {"padding": (1, 1, 1, 1), "pool": (2, 2)}
    memory = Memory(rng)
    job = conv2d(memory, x, weight, entries, "uint8", harts=2, **how)
    return memory, job, {"y": ops.conv2d(x, weight, entries.entry, "uint8", **how)}


def norm():
    rng = np.random.default_rng(1)
    x, entry = draw(rng, (5, 37), "int16"), draw_entry(rng, 37)
    memory = Memory(rng)
    return memory, layernorm(memory, x, entry), {"y": ops.layernorm(x, entry)}


CASES = {
    "linear": lambda: core_case(1, 9, 12, 21, False, "int8", "heads"),
    "transposed": lambda: core_case(2, 6, 8, 16, True, "uint8", "transposed"),
    "general": lambda: general_case(3, 5, 7, 10, False, "int16", False),
    "attention": lambda: attention_case(4, "attention", 7, 10, 6, 2, causal=True, offset=1),
    "convolution": convolution,
    "layernorm": norm,
}


@pytest.mark.parametrize("name", CASES)
def test_kernels(simulator, cluster, name):
    memory, job, wanted = CASES[name]()
    image, before = memory.image(), simulator.compared
    check(image, cluster.run(image, [job], 2).memory, [(job, wanted)])
    assert simulator.compared - before > 1000
