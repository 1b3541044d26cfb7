"""Training, for one epoch: needs the `train` extra, skipped without it."""

import numpy as np
import pytest

from heed.zoo.digits_vit import load_images
from heed.zoo.digits_vit.data import load_calibration

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")

from heed.zoo.digits_vit import train  # noqa: E402


@pytest.fixture(scope="module")
def split():
    return train.load_split()


def test_the_bundled_images_are_the_split_s(split):
    images, _, held_out, labels = split
    for ours, bundled in zip((held_out, labels), load_images(), strict=True):
        np.testing.assert_array_equal(ours, bundled)
    np.testing.assert_array_equal(images[: len(load_calibration())], load_calibration())
    known = {image.tobytes() for image in images}
    assert not known & {image.tobytes() for image in held_out}


def test_a_seed_decides_the_weights(split, monkeypatch):
    monkeypatch.setattr(train, "EPOCHS", 1)
    images, labels = split[0][:256], split[1][:256]
    first, again, other = (train.train(seed, images, labels) for seed in (5, 5, 6))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["classify.weight"], other["classify.weight"])


def test_a_numpy_network_that_differs_is_noticed(split, monkeypatch):
    monkeypatch.setattr(train, "EPOCHS", 1)
    monkeypatch.setattr(
        train, "forward", lambda weights, images: {"classify": np.ones((16, 1, 10))}
    )
    with pytest.raises(RuntimeError, match="differs from the trained one"):
        train.train(0, split[0][:64], split[1][:64])
