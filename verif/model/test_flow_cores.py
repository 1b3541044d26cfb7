"""Networks whose linear layers, attention and convolutions run on the cores."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.errors import HeedError
from heed.flow.deploy import plan_graph
from heed.flow.host import run_on_host
from heed.flow.result import compare
from heed.run import run_network
from heed.simulator.iss import IssSimulator
from hw.presets import PAPER, TINY
from sw_model import reference
from sw_model.graph import Graph, Node, Tensor
from sw_model.ops import check
from verif.lib.random_graph import GraphMaker, random_cnn, random_encoder


def inputs(graph, seed, images=2):
    rng = np.random.default_rng(seed + 1)
    found = []
    for _ in range(images):
        values = {}
        for name in graph.inputs:
            tensor = graph.tensors[name]
            low, high = check.LIMITS[tensor.dtype]
            values[name] = rng.integers(low, high + 1, tensor.shape).astype(tensor.dtype)
        found.append(values)
    return found


def agree(graph, runs, images):
    for run, image in zip(runs, images, strict=True):
        wanted = reference.run(graph, image)
        assert compare(run, wanted) is None, compare(run, wanted)
        assert set(wanted) == set(run.tensors) | set(run.hidden)


def graph_of(kind, seed):
    return random_cnn(seed) if kind == "cnn" else random_encoder(seed, core_form=True)


KINDS = ("encoder", "cnn")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from(KINDS), st.sampled_from([TINY, PAPER]))
def test_random_networks(seed, kind, config):
    graph = graph_of(kind, seed)
    plan = plan_graph(graph, config, engine=False)
    assert all(layer.where == "cores" for layer in plan.layers)
    images = inputs(graph, seed)
    agree(graph, run_on_host(plan, images), images)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_on_the_simulator(kind, seed):
    graph = graph_of(kind, seed)
    images = inputs(graph, seed)
    run = run_network(graph, images, TINY, simulator=IssSimulator(TINY), engine=False)
    agree(graph, run.images, images)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_an_encoder_with_any_entries(seed):
    """Linear layers take the general form where entries have none for the cores."""
    graph = random_encoder(seed)
    nodes = [
        dataclasses.replace(node, constants=node.constants | core_logits(node, seed))
        if node.op == "attention"
        else node
        for node in graph.nodes
    ]
    graph = dataclasses.replace(graph, nodes=nodes)
    plan = plan_graph(graph, TINY, engine=False)
    kernels = {call.kernel for layer in plan.layers for call in layer.steps}
    assert "heed_linear_general" in kernels
    images = inputs(graph, seed)
    agree(graph, run_on_host(plan, images), images)


def core_logits(node, seed):
    make = GraphMaker(np.random.default_rng(seed), core_form=True)
    heads = node.attrs["heads"]
    return make.entry(heads, 3000 * node.attrs["head_dim"] ** 0.5, "int8")


def test_the_engine_takes_a_constant_residual():
    """It is an operand of the job there."""
    for seed in range(6):
        make = GraphMaker(np.random.default_rng(seed))
        x = make.tensor("x", (7, 13), "int8")
        y = make.linear("y", x, 11, ("int8", "int16", "uint8")[seed % 3], residual=True)
        graph = make.finish("residual", ("x",), (y,))
        images = inputs(graph, seed)
        for engine in (True, False):
            plan = plan_graph(graph, TINY, engine=engine)
            agree(graph, run_on_host(plan, images), images)


def near_the_edge(bias):
    """A linear layer whose entry has a core form with this bias."""
    constants = {
        "weight": np.full((1, 64), 127, np.int8),
        "mul": np.array([65521]),  # a prime: no zero point gives another form
        "add": np.array([65521 * bias + 128]),
        "shift": np.array([8]),
    }
    make = GraphMaker(np.random.default_rng(0))
    x = make.tensor("x", (1, 64), "int8")
    y = make.node("y", "linear", [x], (1, 1), "int8", constants, transposed=0)
    return make.finish("edge", ("x",), (y,))


@pytest.mark.parametrize(
    "bias, kernel",
    [
        (2**31 - 1 - 64 * 128 * 128, "heed_linear"),
        (2**31 - 64 * 128 * 128, "heed_linear_general"),
        (2**31 - 2, "heed_linear_general"),
        (-(2**31) + 2, "heed_linear_general"),
    ],
)
def test_sums_that_would_leave_32_bits_with_their_bias(bias, kernel):
    graph = near_the_edge(bias)
    plan = plan_graph(graph, TINY, engine=False)
    assert [call.kernel for layer in plan.layers for call in layer.steps] == [kernel]
    images = [{"x": np.full((1, 64), value, np.int8)} for value in (127, -128)]
    agree(graph, run_on_host(plan, images), images)


@pytest.mark.parametrize("size", [4, 8])
def test_a_view_of_heads_with_gaps_is_refused(size):
    make = GraphMaker(np.random.default_rng(0), core_form=True)
    x = make.tensor("x", (1, 1, 1, 2 * size), "int8")
    q = make.reshape("q", x, (1, 2 * size))
    vt = make.linear("vt", q, 2 * size, transposed=True)
    y = make.attention("y", q, q, vt, 2)
    graph = make.finish("heads", ("x",), (y,))
    if size == 4:
        with pytest.raises(HeedError, match="node q: tensor q has gaps between its rows or heads"):
            plan_graph(graph, TINY)
        return
    for engine in (True, False):
        images = inputs(graph, 1)
        agree(graph, run_on_host(plan_graph(graph, TINY, engine=engine), images), images)


def test_logits_without_a_core_form_are_refused():
    graph = random_encoder(3)
    with pytest.raises(HeedError, match="attention.*core form"):
        plan_graph(graph, TINY, engine=False)


def test_a_view_of_rows_with_gaps_is_refused():
    make = GraphMaker(np.random.default_rng(0), core_form=True)
    x = make.tensor("x", (2, 3, 5, 1), "int8")
    y = make.reshape("y", x, (2, 15))
    graph = make.finish("gaps", ("x",), (y,))
    with pytest.raises(HeedError, match="node y: tensor x has gaps between its rows or heads"):
        plan_graph(graph, TINY)


CONV = {
    **dict.fromkeys(("stride_height", "stride_width", "dilation_height", "dilation_width"), 1),
    **dict.fromkeys(("pool_height", "pool_width", "groups"), 1),
    **dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right", "pad_value"), 0),
}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"attrs": CONV | {"groups": 2}}, "groups is 2; it must divide 4 and 5"),
        ({"attrs": CONV | {"pad_value": 300}}, "pad_value is 300; allowed is -128 to 127"),
        ({"attrs": CONV | {"stride_width": 2}}, r"tensor y has shape .*\(1, 3, 2, 5\) needed"),
        ({"weight": (5, 3, 3, 3)}, r"constant weight has shape \(5, 3, 3, 3\)"),
        ({"weight": (5, 36)}, "constant weight has shape .* 4 dimensions"),
        ({"shape": (3, 5, 4)}, "4 dimensions needed"),
        ({"entries": 4}, "constant mul has shape"),
    ],
)
def test_convolutions_that_do_not_fit(change, message):
    rng = np.random.default_rng(0)
    make = GraphMaker(rng, core_form=True)
    size = change.get("entries", 5)
    constants = {
        "weight": make.int8(*change.get("weight", (5, 3, 3, 4))),
        **make.entry(size, 1000, "int8"),
    }
    tensors = [
        Tensor("x", change.get("shape", (1, 5, 6, 4)), "int8"),
        Tensor("y", (1, 3, 4, 5), "int8"),
    ]
    node = Node("conv", "conv2d", ("x",), ("y",), constants, change.get("attrs", CONV))
    with pytest.raises(ValueError, match=message):
        Graph("g", {t.name: t for t in tensors}, (node,), ("x",), ("y",))
