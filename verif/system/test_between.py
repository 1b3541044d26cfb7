"""Configurations between the presets, simulated: bare programs, and the network where it fits."""

from pathlib import Path

import pytest

from heed.run import compare, run_network
from heed.simulator import Simulator
from heed.toolchain import compile
from heed.zoo.digits_vit import load_graph, load_images, quantise_input
from sw_model import reference
from verif.lib.configs import BETWEEN

PROGRAMS = Path(__file__).resolve().parents[2] / "firmware" / "tests"
FEW = [BETWEEN["narrow"], BETWEEN["square"]]
"""One hart on four banks; four harts on two, with one column group."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("config", FEW, ids=lambda config: config.name)
def test_programs(config):
    def run(name, harts, **defines):
        elf = compile([PROGRAMS / f"{name}.c"], config=config, defines=defines)
        return simulator.run(elf, harts=harts, max_cycles=500_000)

    simulator = Simulator.build(config)
    last = config.harts - 1
    result = run("barrier", config.harts)
    assert (result.status, result.console) == (0, b"%d harts, 50 rounds\n" % config.harts)
    assert run("engine", 1, REPEATS=2).status == 0
    assert run("tohost", config.harts, SECTION='".tcdm"', ENDER=last, CODE=11).status == 5
    result = run("spin", config.harts)
    assert not result.exited and len(result.pcs) == config.harts and all(result.pcs)


def test_network():
    config = BETWEEN["square"]
    graph = load_graph()
    pixels, _ = load_images()
    image = {graph.inputs[0]: quantise_input(pixels[0])}
    run = run_network(graph, [image], config, simulator=Simulator.build(config))
    assert compare(run.images[0], reference.run(graph, image)) is None
