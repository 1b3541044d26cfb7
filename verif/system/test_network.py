"""Whole networks on the simulated RTL, every tensor bit for bit the reference's."""

from dataclasses import replace

import numpy as np
import pytest

from heed.errors import HeedError
from heed.flow import deploy
from heed.flow.layout import matrix
from heed.flow.plan import jobs_area
from heed.run import compare, run_network
from heed.simulator import Simulator
from heed.zoo.digits_vit import load_graph, load_images, quantise_input
from hw.config import TCDM_BASE
from hw.presets import TINY
from sw_model import reference
from sw_model.graph import Graph
from verif.lib.random_graph import GraphMaker, random_encoder


@pytest.fixture(scope="module")
def simulator():
    return Simulator.build(TINY)


def random_image(graph, seed):
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(-128, 128, graph.tensors[name].shape).astype(np.int8)
        for name in graph.inputs
    }


def agree(run, graph, images):
    """Every tensor of every image is the reference's, none is left out."""
    assert len(run.images) == len(images)
    for got, image in zip(run.images, images, strict=True):
        wanted = reference.run(graph, image)
        mismatch = compare(got, wanted)
        assert mismatch is None, str(mismatch)
        assert set(got.tensors) == set(wanted)


def with_weight(graph, name, index, value):
    """Return the graph with one weight changed."""

    def changed(node):
        if node.name != name:
            return node
        weight = node.constants["weight"].copy()
        weight[index] = value
        return replace(node, constants=node.constants | {"weight": weight})

    nodes = tuple(changed(node) for node in graph.nodes)
    return Graph(graph.name, graph.tensors, nodes, graph.inputs, graph.outputs)


def test_digits(simulator):
    """Two images: right tensors, the reference's classes, times that make sense."""
    graph = load_graph()
    pixels, _ = load_images()
    images = [{graph.inputs[0]: quantise_input(image)} for image in pixels[:2]]
    steps = []
    run = run_network(graph, images, TINY, simulator=simulator, progress=steps.append)
    agree(run, graph, images)
    assert any("running image" in step for step in steps)
    assert run.console == b""
    for image in run.images:
        assert [layer.name for layer in image.layers] == [node.name for node in graph.nodes]
        assert sum(layer.cycles for layer in image.layers) < image.cycles < run.cycles
        for layer in image.layers:
            assert (layer.utilisation is not None) == (layer.op in ("linear", "attention"))
            assert layer.utilisation is None or 0 < layer.utilisation <= 1


def test_a_corrupted_weight_is_named(simulator):
    """One weight is changed behind the program's back: the first tensor it spoils is named."""
    graph = load_graph()
    pixels, _ = load_images()
    image = {graph.inputs[0]: quantise_input(pixels[0])}
    node = next(node for node in graph.nodes if node.name == "layer0_key")
    index, wrong = (17, 5), -int(node.constants["weight"][17, 5]) or 77
    stride = matrix(node.constants["weight"].shape, "int8").row_stride
    plan = deploy(graph, TINY).plan
    address = plan.addresses["layer0_key/weight"] + index[0] * stride + index[1]
    poke = (address, wrong.to_bytes(1, "little", signed=True))

    (got,) = run_network(graph, [image], TINY, simulator=simulator, pokes=[poke]).images

    wanted = reference.run(graph, image)
    mismatch = compare(got, wanted)
    assert mismatch is not None and mismatch.tensor == "layer0_key"
    spoiled = reference.run(with_weight(graph, "layer0_key", index, wrong), image)
    first = np.argwhere(spoiled["layer0_key"] != wanted["layer0_key"])[0]
    assert mismatch.index == tuple(first)
    assert mismatch.expected == wanted["layer0_key"][mismatch.index]
    assert mismatch.got == spoiled["layer0_key"][mismatch.index]
    assert compare(got, spoiled) is None


@pytest.mark.parametrize("seed", range(4))
def test_random_encoders(simulator, seed):
    """Odd sizes everywhere: heads with gaps, tails, causal masks, short keys."""
    graph = random_encoder(seed)
    images = [random_image(graph, seed), random_image(graph, seed + 1)]
    agree(run_network(graph, images, TINY, simulator=simulator), graph, images)


def test_long_attention(simulator):
    """Several jobs in one chain."""
    make = GraphMaker(np.random.default_rng(5))
    q = make.tensor("q", (70, 30), "int8")
    k = make.tensor("k", (37, 30), "int8")
    vt = make.tensor("vt", (30, 37), "int8")
    y = make.attention("attention", q, k, vt, 3, causal=True, kv_len=35, offset=-1)
    graph = make.finish("long", (q, k, vt), (y,))
    images = [random_image(graph, 0)]
    agree(run_network(graph, images, TINY, simulator=simulator), graph, images)


def small_graph():
    make = GraphMaker(np.random.default_rng(5))
    x = make.tensor("x", (5, 9), "int8")
    return make.finish("small", (x,), (make.linear("dense", x, 7),))


def test_more_images_than_a_batch(simulator, monkeypatch):
    monkeypatch.setattr("heed.run.BATCH", 2)
    graph = small_graph()
    images = [random_image(graph, seed) for seed in range(5)]
    agree(run_network(graph, images, TINY, simulator=simulator), graph, images)


def test_an_engine_error_ends_the_run(simulator):
    """A spoiled descriptor: the program says which layer failed and how."""
    graph = small_graph()
    plan = deploy(graph, TINY).plan
    address = plan.addresses[jobs_area(plan.layers[0])] + 4 * 4  # rows
    with pytest.raises(HeedError, match="status 22: layer dense: the engine stopped"):
        run_network(
            graph, [random_image(graph, 0)], TINY, simulator=simulator, pokes=[(address, bytes(4))]
        )


def test_a_hang_ends_the_run(simulator):
    graph = small_graph()
    with pytest.raises(HeedError, match="network small did not end within 100 cycles; harts at 0x"):
        run_network(graph, [random_image(graph, 0)], TINY, simulator=simulator, cycles_an_image=100)


@pytest.mark.parametrize(
    "image, message",
    [
        (np.zeros((5, 8), np.int8), r"input x has shape \(5, 8\), but must have \(5, 9\)"),
        (np.full((5, 9), 200), "input x holds 200; allowed is -128 to 127"),
        (np.zeros((5, 9)), "input x must hold integers, not float64"),
        ({"y": np.zeros((5, 9), np.int8)}, "inputs y given, but graph small has x"),
    ],
)
def test_wrong_inputs(image, message):
    with pytest.raises(HeedError, match=message):
        run_network(small_graph(), [image], TINY, simulator=None)


def test_constants_lie_at_the_start_of_tcdm():
    program = deploy(small_graph(), TINY)
    assert min(program.plan.addresses.values()) == TCDM_BASE
