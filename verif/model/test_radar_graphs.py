"""The radar networks in integers: their files agree with their code, and they follow the float."""

import subprocess
import sys

import numpy as np
import pytest

from heed.bench.kernels import deep
from heed.flow.deploy import plan_graph
from heed.flow.host import run_on_host
from heed.flow.result import compare
from heed.toolchain.kernels import CoreEntries
from heed.zoo.radar import accuracy, dataset, transformer
from heed.zoo.radar.data import NETWORKS, load_weights
from heed.zoo.radar.networks import (
    calibration,
    load_graph,
    quantise,
    quantise_input,
)
from hw.presets import PAPER
from sw_model import reference
from sw_model.ops import Entry

NAMES = tuple(NETWORKS)
#: Validation sequences of all users and gestures: every 39th.
ITEMS = dataset.plan("validation")[::39]
LABELS = np.array([gesture for _, gesture, _ in ITEMS])
#: Largest error of the results, relative to the float ones: rounding and clips alone stay below.
ERROR = {"cnn_tcn": 0.1, "transformer": 0.03}


@pytest.fixture(scope="module")
def graphs():
    return {name: load_graph(name) for name in NAMES}


@pytest.fixture(scope="module")
def sequences():
    return np.stack([dataset.sequence(dataset.SEED, *item) for item in ITEMS])


@pytest.fixture(scope="module")
def calibrated():
    return calibration()


@pytest.mark.parametrize("name", NAMES)
def test_quantising_again_gives_the_bundled_graph(name, graphs, calibrated):
    assert quantise(name, load_weights(name), calibrated) == graphs[name]


def test_calibration_knows_all_gestures_and_training_users_only(calibrated):
    items = dataset.plan("training")
    known = {dataset.sequence(dataset.SEED, *items[37 * i]).tobytes() for i in range(3)}
    assert known <= {one.tobytes() for one in calibrated}
    gestures = [items[37 * i][1] for i in range(len(calibrated))]
    assert min(np.bincount(gestures)) >= len(calibrated) // 11


@pytest.mark.parametrize("name", NAMES)
def test_a_few_sequences_are_recognised_as_in_float(name, graphs, sequences):
    """A wrong scale, zero point or layout changes the result more than rounding does."""
    graph, weights = graphs[name], load_weights(name)
    ours, theirs = [], []
    for start in range(0, len(ITEMS), 4):
        part = sequences[start : start + 4]
        values = reference.run(graph, {graph.inputs[0]: quantise_input(name, part)})
        ours.append(values["classify"][:, -1])
        theirs.append(NETWORKS[name].forward(weights, part)["classify"][:, -1])
    ours, theirs = np.concatenate(ours).astype(float), np.concatenate(theirs)
    assert np.mean(ours.argmax(-1) == LABELS) >= 0.8
    step = (ours * theirs).sum() / (ours**2).sum()
    assert np.linalg.norm(step * ours - theirs) < ERROR[name] * np.linalg.norm(theirs)


@pytest.mark.parametrize("name", NAMES)
def test_integer_tensors_follow_the_float_ones(name, graphs, sequences):
    """Each channel of an integer tensor is an affine image of its float value, nearly."""
    some = sequences[::2]
    real = NETWORKS[name].forward(load_weights(name), some)
    graph = graphs[name]
    values = reference.run(graph, {graph.inputs[0]: quantise_input(name, some)})
    compared = 0
    for tensor, value in values.items():
        if tensor not in real or tensor.endswith("logits"):  # those have a clip of their own
            continue
        assert len(np.unique(value)) > 15, tensor
        ours = value.swapaxes(-1, -2) if tensor.endswith("_value") else value
        channels = ours.shape[-1]
        ours = ours.reshape(-1, channels).astype(float)
        theirs = real[tensor].reshape(-1, channels)
        for channel, (a, b) in enumerate(zip(ours.T, theirs.T, strict=True)):
            if b.std() > 0.1 * theirs.std():  # idle ones have but a few steps
                assert np.corrcoef(a, b)[0, 1] > 0.98, (tensor, channel)
                compared += 1
    assert compared > 300


@pytest.mark.parametrize("name", NAMES)
def test_results_of_8_bits_have_core_form(name, graphs):
    graph = graphs[name]
    seen = 0
    for node in graph.nodes:
        byte = graph.tensors[node.outputs[0]].dtype in ("int8", "uint8")
        if node.op in ("conv2d", "attention") or (node.op == "linear" and byte):
            entry = Entry.read(node.constants)
            assert CoreEntries.of(entry, entry.size, 1 << 28) is not None, node.name
            seen += 1
    assert seen >= 9


@pytest.mark.parametrize("name", NAMES)
def test_the_kernels_compiled_for_this_computer_agree(name, graphs, sequences):
    graph = graphs[name]
    plan = plan_graph(graph, deep(PAPER), engine=False)
    assert plan.config.tcdm.bytes == 512 << 10
    assert all(layer.where == "cores" for layer in plan.layers)
    image = {graph.inputs[0]: quantise_input(name, sequences[7])}
    (run,) = run_on_host(plan, [image])
    assert compare(run, reference.run(graph, image)) is None
    assert all(tensor.endswith(".logits") for tensor in run.hidden)


def test_inputs_of_one_and_of_several(sequences):
    for name in NAMES:
        several = quantise_input(name, sequences[:3])
        assert np.array_equal(several[1], quantise_input(name, sequences[1]))
    assert several.shape == (3, transformer.TOKENS, transformer.PATCH_SIZE)


@pytest.fixture
def few(monkeypatch, sequences):
    monkeypatch.setattr(accuracy, "load_split", lambda split, cache: (sequences[:2], LABELS[:2]))


def test_the_report_has_a_row_for_each_arithmetic(few):
    rows = accuracy.report(splits=("validation",))
    assert [(row.network, row.arithmetic) for row in rows] == [
        (name, arithmetic) for name in NAMES for arithmetic in ("float", "int8")
    ]
    assert all(row.sequences == 2 for row in rows)
    share = {(row.network, row.arithmetic): row.accuracy for row in rows}
    lines = accuracy.table(rows)
    assert "validation, float | validation, int8" in lines[0]
    for name, line in zip(NAMES, lines[2:], strict=True):
        ends = " | ".join(f"{share[name, form]:.2%}" for form in ("float", "int8"))
        assert line.startswith(f"| {name} |") and line.endswith(f"{ends} |")


def test_accuracies_are_those_of_the_test_users(few):
    asked = []
    found = accuracy.accuracies(asked.append)
    assert set(found) == set(NAMES)
    assert all("2 test sequences" in text for text in asked) and len(asked) == 4


def test_mistakes_are_named():
    counts = np.diag([4] * 11)
    counts[2, 2:5] = [1, 0, 3]
    lines = accuracy.mistakes(accuracy.Row("x", "test", "int8", counts))
    assert lines[2] == "push: 1 of 4; taken for slow swipe 3"
    assert lines[3] == "pull: 4 of 4"


def test_running_needs_numpy_alone():
    code = (
        "import sys; import heed.zoo.radar.accuracy, heed.zoo.radar.make_graphs;"
        "print(sorted({'torch', 'sklearn', 'scipy', 'amaranth'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
