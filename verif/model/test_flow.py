"""The deployment flow: planned memory, descriptors and kernel calls give the reference's tensors.

Nothing here needs the RTL: descriptors run on the engine's model and kernels as compiled for this
computer, on the very memory image of the machine.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.errors import HeedError
from heed.flow.codegen import generate_source
from heed.flow.deploy import deploy, plan_graph
from heed.flow.host import run_on_host
from heed.flow.layout import choose_layouts
from heed.flow.lower import lower
from heed.flow.plan import make_plan
from heed.flow.result import compare
from hw.config import TCDM_BASE, ClusterConfig, TcdmConfig
from hw.presets import PAPER, TINY
from sw_model import reference
from verif.lib.random_graph import GraphMaker, random_encoder

LARGE = ClusterConfig(name="large", workers=3, control_core=False, tcdm=TcdmConfig(banks=128))


def inputs(graph, seed=0, count=2):
    rng = np.random.default_rng(seed)
    return [
        {
            name: rng.integers(-128, 128, graph.tensors[name].shape).astype(np.int8)
            for name in graph.inputs
        }
        for _ in range(count)
    ]


def check(plan, images):
    """Every tensor of every image equals the reference's; returns the hidden ones' names."""
    graph = plan.lowered.graph
    for run, image in zip(run_on_host(plan, images), images, strict=True):
        wanted = reference.run(graph, image)
        assert compare(run, wanted) is None, compare(run, wanted)
        assert set(wanted) == set(run.tensors) | set(run.hidden)
    return plan.lowered.hidden


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([TINY, PAPER, LARGE]))
def test_random_encoders(seed, config):
    graph = random_encoder(seed)
    plan = plan_graph(graph, config)
    assert check(plan, inputs(graph, seed)) == ()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_memory_is_used_again(seed):
    """Tensors that make room for later ones are still right at the end of their layer."""
    graph = random_encoder(seed)
    lowered = lower(graph, choose_layouts(graph), TINY)
    plan = make_plan(lowered, TINY, keep_all=False)
    kept = make_plan(lowered, TINY)
    assert max(plan.addresses.values()) <= max(kept.addresses.values())
    check(plan, inputs(graph, seed))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_shared_scratch(seed):
    """Heads that share the room for logits give the same outputs; the logits are named hidden."""
    graph = random_encoder(seed)
    lowered = lower(graph, choose_layouts(graph), TINY, show_logits=False)
    plan = make_plan(lowered, TINY, keep_all=False)
    assert check(plan, inputs(graph, seed)) == ("attention.logits",)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_areas_do_not_overlap(seed, keep_all):
    """No two areas that matter in the same layer share a byte; all lie in TCDM, aligned."""
    graph = random_encoder(seed)
    plan = make_plan(lower(graph, choose_layouts(graph), TINY), TINY, keep_all=keep_all)
    lowered = plan.lowered
    sizes = {name: layout.bytes for name, layout in lowered.layouts.items()} | lowered.scratch
    sizes |= {name: size for name, _, size in plan.constants}
    end = len(plan.layers)
    alive = {name: set(range(-1, end + 1)) for name in plan.addresses if name not in graph.tensors}
    for name in graph.tensors:
        used = [index for index, layer in enumerate(plan.layers) if name in layer.refs()]
        used += [-1, 0] * (name in graph.inputs) + [end] * (name in graph.outputs)
        alive[name] = set(range(min(used), max(used) + 1))
    for name in lowered.scratch:
        alive[name] = {i for i, layer in enumerate(plan.layers) if name in layer.refs()}
    for name, address in plan.addresses.items():
        assert address % 8 == 0
        assert TCDM_BASE <= address
        size = sizes.get(name, 8)
        assert address + size <= TCDM_BASE + TINY.tcdm.bytes - TINY.harts * 1024
        for other, place in plan.addresses.items():
            if other != name and alive[name] & alive[other]:
                assert address + size <= place or place + sizes.get(other, 8) <= address


def long_attention(rows, keys, heads, size, **mask):
    make = GraphMaker(np.random.default_rng(rows))
    q = make.tensor("q", (rows, heads * size), "int8")
    k = make.tensor("k", (keys, heads * size), "int8")
    vt = make.tensor("vt", (heads * size, keys), "int8")
    y = make.attention("attention", q, k, vt, heads, **mask)
    return make.finish("long", (q, k, vt), (y,))


@pytest.mark.parametrize("rows", [16, 17, 32, 33, 65, 70])
@pytest.mark.parametrize("size", [8, 5])
def test_long_attention(rows, size):
    """More rows than two scratch blocks: several jobs, the causal mask moves along."""
    graph = long_attention(rows, 41, 3, size, causal=True, offset=-1)
    plan = plan_graph(graph, TINY)
    assert len(plan.layers[0].steps) == -(-rows // 32)
    assert check(plan, inputs(graph, rows)) == ()


@pytest.mark.parametrize("offset", [-32768, 32766, 32767])
def test_the_farthest_mask_offsets(offset):
    """Also where the offset of a later job's first row would leave its field."""
    graph = long_attention(70, 41, 2, 8, causal=True, offset=offset)
    assert check(plan_graph(graph, TINY), inputs(graph)) == ()


def test_an_input_that_nothing_reads():
    """It is read back like the others, so nothing may take its place before."""
    make = GraphMaker(np.random.default_rng(1))
    x = make.tensor("x", (250, 40), "int8")
    unused = make.tensor("unused", (250, 40), "int8")
    y = x
    for index in range(16):
        y = make.linear(f"step{index}", y, 40, common=True)
    graph = make.finish("chain", (x, unused), (y,))
    plan = plan_graph(graph, TINY)
    assert not plan.keeps_all
    check(plan, inputs(graph))


@pytest.mark.parametrize("name", ["a/*b", "a*/b", "é☃/", "??/", "%s", '"', "\\", "\n", ""])
def test_any_name_compiles(name):
    make = GraphMaker(np.random.default_rng(1))
    x = make.tensor("x", (2, 8), "int8")
    graph = make.finish(name, (x,), (make.linear(name or "y", x, 8),))
    deploy(graph, TINY)


def test_too_large_a_graph_names_tensor_and_sizes():
    make = GraphMaker(np.random.default_rng(1))
    x = make.tensor("x", (300, 200), "int8")
    y = make.linear("wide", x, 90, "int32")
    graph = make.finish("big", (x,), (y,))
    with pytest.raises(HeedError) as error:
        plan_graph(graph, TINY)
    text = str(error.value)
    assert "graph big does not fit" in text
    assert "wide needs 108000 bytes" in text
    assert "tiny has 129024" in text


def test_too_large_constants():
    make = GraphMaker(np.random.default_rng(1))
    x = make.tensor("x", (1, 400), "int8")
    graph = make.finish("big", (x,), (make.linear("y", x, 400),))
    with pytest.raises(HeedError, match="its constants take 166536 bytes"):
        plan_graph(graph, TINY)


def test_a_full_memory_is_used_again():
    """A chain whose tensors do not all fit at once still runs."""
    make = GraphMaker(np.random.default_rng(1))
    x = make.tensor("x", (100, 150), "int8")
    for index in range(8):
        x = make.linear(f"step{index}", x, 150, common=True)
    with pytest.raises(HeedError):
        plan_graph(make.finish("chain", ("x",), (x,)), TINY)  # the weights alone are too many
    make = GraphMaker(np.random.default_rng(1))
    x = make.tensor("x", (250, 40), "int8")
    for index in range(16):
        x = make.linear(f"step{index}", x, 40, common=True)
    graph = make.finish("chain", ("x",), (x,))
    plan = plan_graph(graph, TINY)
    assert not plan.keeps_all
    check(plan, inputs(graph))


def test_transposed_uint8_is_refused():
    make = GraphMaker(np.random.default_rng(1))
    x = make.tensor("x", (4, 8), "uint8")
    graph = make.finish("g", (x,), (make.linear("v", x, 8, transposed=True),))
    with pytest.raises(HeedError, match="node v: tensor x is uint8"):
        plan_graph(graph, TINY)


def test_different_gaps_are_refused():
    make = GraphMaker(np.random.default_rng(1))
    q = make.tensor("q", (4, 30), "int8")
    vt = make.tensor("vt", (30, 4), "int8")
    y = make.attention("first", q, q, vt, 3)
    z = make.attention("second", q, y, vt, 2)
    graph = make.finish("g", (q, vt), (y, z))
    with pytest.raises(HeedError, match="tensor q is cut into 2 heads of 15 by node second"):
        plan_graph(graph, TINY)


def test_norm_cannot_write_gaps():
    make = GraphMaker(np.random.default_rng(1))
    x = make.tensor("x", (4, 30), "int16")
    vt = make.tensor("vt", (30, 4), "int8")
    q = make.layernorm("norm", x)
    graph = make.finish("g", (x, vt), (make.attention("a", q, q, vt, 3),))
    with pytest.raises(HeedError, match="node norm: tensor norm goes to attention in heads of 10"):
        plan_graph(graph, TINY)


def test_overflowing_entry_is_refused():
    make = GraphMaker(np.random.default_rng(1))
    a, b = make.tensor("a", (2, 8), "int16"), make.tensor("b", (2, 8), "int8")
    y = make.add("sum", a, b)
    make.nodes[0].constants["rmul"][0], make.nodes[0].constants["rsh"][0] = 3, 55
    graph = make.finish("g", (a, b), (y,))
    with pytest.raises(HeedError, match=r"node sum: entry 0 \(rmul 3, rsh 55\)"):
        plan_graph(graph, TINY)


def test_source_is_stable_and_readable():
    graph = random_encoder(7)
    text = generate_source(plan_graph(graph, TINY))
    assert text == generate_source(plan_graph(graph, TINY))
    assert "static void layer_5(struct heed_team team)" in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("tensor", ["embed", "attention.logits", "classify"])
def test_compare_names_the_first_difference(tensor):
    graph = random_encoder(3)
    plan = plan_graph(graph, TINY)
    (image,) = inputs(graph, count=1)
    (run,) = run_on_host(plan, [image])
    wanted = reference.run(graph, image)
    index = tuple(size - 1 for size in run.tensors[tensor].shape)
    run.tensors[tensor][index] ^= 1
    mismatch = compare(run, wanted)
    assert (mismatch.tensor, mismatch.index) == (tensor, index)
    assert mismatch.expected == wanted[tensor][index]
    assert mismatch.got == wanted[tensor][index] ^ 1
    assert f"tensor {tensor} [" in str(mismatch)


def test_compare_misses_nothing():
    graph = random_encoder(3)
    plan = plan_graph(graph, TINY)
    (image,) = inputs(graph, count=1)
    (run,) = run_on_host(plan, [image])
    del run.tensors["norm2"]
    assert compare(run, reference.run(graph, image)).tensor == "norm2"


@pytest.mark.parametrize(("rows", "blocks", "each"), [(5, 1, 5), (17, 2, 9), (70, 2, 14)])
def test_shared_scratch_is_no_larger_than_its_blocks(rows, blocks, each):
    graph = long_attention(rows, 41, 3, 8)
    lowered = lower(graph, choose_layouts(graph), TINY, show_logits=False)
    assert lowered.scratch == {"attention.logits": blocks * each * 48}
    check(make_plan(lowered, TINY), inputs(graph))
