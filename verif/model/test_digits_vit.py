"""The bundled network: its files agree with its code, and its accuracy is the recorded one."""

import subprocess
import sys

import numpy as np
import pytest

from heed.zoo.digits_vit import accuracy, load_graph, load_images, load_weights, quantise_input
from heed.zoo.digits_vit.architecture import forward, parameter_shapes
from heed.zoo.digits_vit.data import load_calibration, quantise_images
from heed.zoo.digits_vit.quantise import quantise
from sw_model.reference import run

#: Recorded in docs/user/network.md.
FLOAT_CORRECT, INT8_CORRECT, IMAGES = 441, 441, 450


@pytest.fixture(scope="module")
def graph():
    return load_graph()


def test_committed_accuracy():
    (row,) = accuracy.report([0])
    assert row.images == IMAGES
    assert round(row.float_accuracy * IMAGES) == FLOAT_CORRECT
    assert round(row.int8_accuracy * IMAGES) == INT8_CORRECT


def test_quantising_again_gives_the_committed_graph(graph):
    assert quantise(load_weights(), load_calibration()) == graph


def test_quantising_other_weights_gives_another_graph(graph):
    weights = load_weights()
    weights["norm.weight"] = weights["norm.weight"] * 1.01
    assert quantise(weights, load_calibration()) != graph


def test_weights_have_the_architecture_s_shapes():
    weights = load_weights()
    assert {name: value.shape for name, value in weights.items()} == parameter_shapes()


def test_test_images_are_not_calibration_images():
    images, labels = load_images()
    assert images.dtype == np.uint8 and images.shape == (len(labels), 8, 8)
    assert set(labels) == set(range(10))
    known = {image.tobytes() for image in load_calibration()}
    assert not known & {image.tobytes() for image in images}


def test_integer_tensors_follow_the_float_ones(graph):
    """Each integer tensor is an affine image of its float value, up to a few percent."""
    images, _ = load_images()
    real = forward(load_weights(), images[:64])
    values = run(graph, {"image": quantise_images(images[:64])})
    for name, value in values.items():
        want = real[name].swapaxes(-1, -2) if name.endswith("_value") else real[name]
        if name.endswith("logits"):  # a step, a zero point and a clip of their own a head
            continue
        channels = -2 if name.endswith("_value") else -1
        ours = np.moveaxis(value.astype(float), channels, 0).reshape(value.shape[channels], -1)
        theirs = np.moveaxis(want, channels, 0).reshape(len(ours), -1)
        for channel, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            if b.std() > 1e-3 and a.std() > 0:
                assert np.corrcoef(a, b)[0, 1] > 0.95, (name, channel)


def test_no_tensor_is_idle(graph):
    images, _ = load_images()
    values = run(graph, {"image": quantise_images(images[:64])})
    for name, value in values.items():
        assert len(np.unique(value)) > 15, name


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 9), int), r"\(8, 9\)"),
        (np.zeros((1, 8, 8), int), r"\(1, 8, 8\)"),
        (np.full((8, 8), 17), "holds 17"),
        (np.full((8, 8), -1), "holds -1"),
        (np.full((8, 8), 0.5), "holds 0.5"),
        (np.full((8, 8), np.nan), "holds nan"),
        (np.full((8, 8), "x"), "whole numbers"),
    ],
)
def test_bad_images_are_named(image, message):
    with pytest.raises(ValueError, match=message):
        quantise_input(image)


def test_pixels_become_int8_exactly():
    image = np.arange(64).reshape(8, 8) % 17
    want = (image - 8) * 15
    got = quantise_input(image.astype(float))
    assert got.dtype == np.int8
    np.testing.assert_array_equal(got, want)


def test_without_torch_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "heed.zoo.digits_vit.train", raising=False)
    with pytest.raises(ImportError, match=r"pip install -e '.\[train\]'"):
        accuracy.report([1])


def test_running_needs_numpy_alone():
    code = (
        "import sys; from heed.zoo.digits_vit import accuracy; accuracy.report();"
        "print(sorted({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_negative_seed_is_named():
    with pytest.raises(ValueError, match="seed is -1"):
        accuracy.report([0, -1])
