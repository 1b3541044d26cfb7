"""Integer graphs: they run, they survive a file, and what does not fit is named."""

import dataclasses
import json

import numpy as np
import pytest

from sw_model import ops
from sw_model.graph import Graph, Node, Tensor, load
from sw_model.reference import run

HEADS, HEAD_DIM, TOKENS = 2, 4, 4
WIDTH = HEADS * HEAD_DIM


def entry(size, mul=40, shift=8, **residual):
    """Return constants of a parameter entry that keeps the values busy."""
    half = (1 << shift) >> 1
    values = {"mul": mul, "add": half, "shift": shift, **residual}
    return {name: np.full(size, value, np.int64) for name, value in values.items()}


def tiny_graph(seed=0, mask="none", dtype="int8"):
    """Return a graph that uses every operation once or more."""
    rng = np.random.default_rng(seed)
    shapes = {
        "image": ((4, 4), "int8"),
        "embedded": ((TOKENS, WIDTH), "int16"),
        "normed": ((TOKENS, WIDTH), "int8"),
        "q": ((TOKENS, WIDTH), "int8"),
        "k": ((TOKENS, WIDTH), "int8"),
        "vt": ((WIDTH, TOKENS), "int8"),
        "attended": ((TOKENS, WIDTH), "int8"),
        "projected": ((TOKENS, WIDTH), "int16"),
        "summed": ((TOKENS, WIDTH), "int16"),
        "final": ((TOKENS, WIDTH), "int8"),
        "pooled": ((1, WIDTH), "int8"),
        "logits": ((1, 3), "int32"),
    }
    tensors = {name: Tensor(name, *what) for name, what in shapes.items()}
    tensors["q"] = Tensor("q", (TOKENS, WIDTH), dtype)

    def weights(rows, columns):
        return {"weight": rng.integers(-127, 128, (rows, columns)).astype(np.int8)}

    def linear(name, x, y, transposed=0, size=WIDTH, **constants):
        constants = {**weights(WIDTH, WIDTH), **entry(size), **constants}
        return Node(name, "linear", (x,), (y,), constants, {"transposed": transposed})

    embed = {
        **weights(WIDTH, 4),
        **entry(WIDTH, rmul=3, rsh=2),
        "position": rng.integers(-99, 99, (TOKENS, WIDTH)).astype(np.int16),
    }
    table = rng.integers(-128, 128, 256).astype(np.int8)
    softmax = {"j": np.array([3, 5], np.int8), "g": np.array([0, 1], np.int8)}
    how = {"heads": HEADS, "head_dim": HEAD_DIM, "kv_len": 3, "mask": mask, "mask_offset": 0}
    nodes = (
        Node("embed", "patch_embed", ("image",), ("embedded",), embed, {"patch": 2}),
        Node("norm", "layernorm", ("embedded",), ("normed",), entry(WIDTH)),
        linear("query", "normed", "q"),
        linear("key", "normed", "k", table=table),
        linear("value", "normed", "vt", transposed=1),
        Node("attend", "attention", ("q", "k", "vt"), ("attended",), entry(HEADS) | softmax, how),
        linear("project", "attended", "projected", size=1),
        Node(
            "join",
            "add",
            ("projected", "embedded"),
            ("summed",),
            entry(1, rmul=-5, rsh=3),
        ),
        Node("norm2", "layernorm", ("summed",), ("final",), entry(WIDTH)),
        Node("pool", "mean_pool", ("final",), ("pooled",), entry(1)),
        Node("classify", "linear", ("pooled",), ("logits",), weights(3, WIDTH), {"transposed": 0}),
    )
    return Graph("tiny", tensors, nodes, ("image",), ("logits",))


def images(count, seed=1):
    return np.random.default_rng(seed).integers(-128, 128, (count, 4, 4)).astype(np.int8)


def test_every_tensor_has_its_type_and_shape():
    graph = tiny_graph()
    values = run(graph, {"image": images(1)[0]})
    assert set(values) == {*graph.tensors, "attend.logits"}
    for name, tensor in graph.tensors.items():
        assert (values[name].shape, values[name].dtype) == (tensor.shape, tensor.dtype), name
    assert values["attend.logits"].shape == (HEADS, TOKENS, TOKENS)
    assert values["attend.logits"].dtype == np.int8


def test_a_batch_is_its_images_one_by_one():
    graph = tiny_graph(mask="causal")
    batch = images(5)
    together = run(graph, {"image": batch})
    for index, image in enumerate(batch):
        for name, value in run(graph, {"image": image}).items():
            np.testing.assert_array_equal(together[name][index], value, name)


def test_results_are_what_the_operators_give():
    graph = tiny_graph(mask="causal")
    values = run(graph, {"image": images(1)[0]})
    nodes = {node.name: node for node in graph.nodes}
    c = nodes["value"].constants
    v = ops.linear(values["normed"], c["weight"], ops.Entry.read(c))
    np.testing.assert_array_equal(values["vt"], v.T)
    c = nodes["key"].constants
    plain = ops.linear(values["normed"], c["weight"], ops.Entry.read(c))
    np.testing.assert_array_equal(values["k"], ops.activation(plain, c["table"]))
    c = nodes["classify"].constants
    np.testing.assert_array_equal(
        values["logits"], values["pooled"].astype(np.int32) @ c["weight"].astype(np.int32).T
    )
    assert len(np.unique(values["logits"])) == 3
    # Row 0 of a causal mask sees key 0 alone: its value, up to the reciprocal's rounding.
    gain = np.repeat(nodes["attend"].constants["g"].astype(np.int64), HEAD_DIM)
    want = np.clip(v[0].astype(np.int64) << gain, -128, 127)
    assert np.abs(values["attended"][0] - want).max() <= 1


def test_a_file_gives_the_same_graph_back(tmp_path):
    graph = tiny_graph()
    graph.save(tmp_path / "a.npz")
    again = load(tmp_path / "a.npz")
    assert again == graph
    again.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_equality_sees_one_bit():
    graph, other = tiny_graph(), tiny_graph()
    assert graph == other
    other.nodes[2].constants["weight"][3, 3] ^= 1
    assert graph != other


def header_file(path, header, **arrays):
    """Write a graph's file with this header (text, or what JSON makes text of)."""
    text = header if isinstance(header, str) else json.dumps(header)
    np.savez(path, header=np.frombuffer(text.encode(), np.uint8), **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodes": 5}, "not iterable"),
        ({"format": "heed-graph-0"}, "its format is 'heed-graph-0'"),
        ({"tensors": [["image"]]}, "unpack"),
        ({"tensors": [["image", [4.5, 4], "int8"]]}, r"image has shape \(4.5, 4\)"),
        ({"tensors": [["image", [4, 4], ["int8"]]]}, r"image has dtype \['int8'\]"),
    ],
)
def test_a_damaged_header_is_refused(tmp_path, change, message):
    graph = tiny_graph()
    header_file(tmp_path / "x.npz", graph.header() | change, **graph.arrays())
    with pytest.raises(ValueError, match=f"x.npz holds no graph: .*{message}"):
        load(tmp_path / "x.npz")


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    path, header = tmp_path / "x.npz", tiny_graph().header()
    for contents in (b"", b"hello", b"PK\3\4"):
        path.write_bytes(contents)
        with pytest.raises(ValueError, match="x.npz holds no graph: it is no .npz file"):
            load(path)
    np.savez(path, a=np.arange(3))
    with pytest.raises(ValueError, match="x.npz holds no graph: 'header' is missing"):
        load(path)
    for text in ("{", [1]):
        header_file(path, text)
        with pytest.raises(ValueError, match="x.npz holds no graph"):
            load(path)
    header_file(path, header)
    with pytest.raises(ValueError, match="x.npz holds no graph: 'embed/weight' is missing"):
        load(path)
    tiny_graph().save(path)
    damaged = bytearray(path.read_bytes())
    damaged[100:120] = bytes(20)
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match="x.npz holds no graph"):
        load(path)
    with pytest.raises(OSError, match="nothing.npz"):
        load(tmp_path / "nothing.npz")


@pytest.mark.parametrize("what", ["inputs", "nodes", "outputs"])
def test_an_empty_graph_is_refused(what):
    with pytest.raises(ValueError, match=f"has no {what}"):
        dataclasses.replace(tiny_graph(), **{what: ()})


def test_logits_do_not_share_their_name():
    graph = tiny_graph()
    with pytest.raises(ValueError, match="node attend: .*attend.logits"):
        rename(graph, "k", "attend.logits")


def rename(graph, tensor, name):
    """Return the graph with another name for a tensor."""

    def new(names):
        return tuple(name if item == tensor else item for item in names)

    tensors = {
        new((key,))[0]: dataclasses.replace(item, name=new((key,))[0])
        for key, item in graph.tensors.items()
    }
    nodes = tuple(
        dataclasses.replace(node, inputs=new(node.inputs), outputs=new(node.outputs))
        for node in graph.nodes
    )
    return dataclasses.replace(graph, tensors=tensors, nodes=nodes)


def change(graph, node, **what):
    """Return the graph with fields of one node replaced; `constants` and `attrs` are merged."""
    nodes = []
    for item in graph.nodes:
        if item.name == node:
            merged = {
                key: {**getattr(item, key), **value} if isinstance(value, dict) else value
                for key, value in what.items()
            }
            item = dataclasses.replace(item, **merged)
        nodes.append(item)
    return dataclasses.replace(graph, nodes=tuple(nodes))


@pytest.mark.parametrize(
    ("node", "what", "message"),
    [
        ("query", {"op": "relu"}, "query.*'relu'"),
        ("query", {"inputs": ("nothing",)}, "query.*nothing"),
        ("query", {"inputs": ("summed",)}, "query.*summed is read before"),
        ("query", {"outputs": ("k",)}, "key.*k is made a second time"),
        ("query", {"inputs": ("embedded",)}, "query.*embedded is int16"),
        ("query", {"constants": {"bias": np.zeros(1, np.int64)}}, "query.*bias means nothing"),
        ("query", {"constants": {"mul": np.full(3, 1)}}, "query.*mul.*8 entries"),
        ("query", {"constants": {"mul": np.full(8, 65536)}}, "query.*mul holds 65536"),
        ("query", {"constants": {"shift": np.full(8, 32)}}, "query.*shift holds 32"),
        ("query", {"constants": {"shift": np.full(8, 1.0)}}, "query.*shift must be"),
        ("query", {"constants": {"weight": np.zeros((8, 7), np.int8)}}, "query.*weight.*shape"),
        ("query", {"attrs": {"transposed": 2}}, "query.*transposed is 2"),
        ("key", {"constants": {"table": np.zeros(255, np.int8)}}, "key.*table.*shape"),
        ("value", {"attrs": {"transposed": 0}}, "value.*vt has shape"),
        ("attend", {"attrs": {"kv_len": 5}}, "attend.*kv_len is 5"),
        ("attend", {"attrs": {"mask": "band"}}, "attend.*mask is 'band'"),
        ("attend", {"attrs": {"heads": 4}}, "attend.*4 heads of 4"),
        ("attend", {"constants": {"j": np.array([1, 6])}}, "attend.*j holds 6"),
        ("attend", {"constants": {"g": np.array([1])}}, "attend.*g has shape"),
        ("attend", {"inputs": ("q", "k", "k")}, "attend.*k has shape"),
        ("embed", {"attrs": {"patch": 3}}, "embed.*image.*multiple"),
        ("join", {"inputs": ("vt", "embedded")}, "join.*embedded has shape"),
        ("pool", {"outputs": ("final",)}, "pool.*final"),
        ("classify", {"constants": entry(3)}, "classify.*means nothing"),
    ],
)
def test_what_does_not_fit_is_named(node, what, message):
    with pytest.raises(ValueError, match=message):
        change(tiny_graph(), node, **what)


def test_uint8_activations_are_for_linear_layers_alone():
    with pytest.raises(ValueError, match="attend.*q is uint8"):
        tiny_graph(dtype="uint8")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "image.*missing"),
        ({"image": np.zeros((4, 5), np.int8)}, r"image has shape \(4, 5\)"),
        ({"image": np.zeros((1, 1, 4, 4), np.int8)}, "image has shape"),
        ({"image": np.full((4, 4), 128)}, "image holds 128"),
        ({"image": np.zeros((4, 4))}, "integers"),
        ({"image": [[1], [1, 2]]}, "image has rows of different lengths"),
        ({"image": np.zeros((4, 4), np.int8), "y": 0}, "no input y"),
    ],
)
def test_bad_inputs_are_named(inputs, message):
    with pytest.raises(ValueError, match=message):
        run(tiny_graph(), inputs)
