"""The page on the softmax is current, says what is so, and compares with the real arithmetics."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.baselines import (
    ibert_probabilities,
    ita_probabilities,
    ita_window,
    rounded_probabilities,
)
from verif.lib import softmax_study as study

SEEDS = st.integers(0, 2**32 - 1)


def test_the_page_is_current():
    assert study.PAGE.read_text() == study.page(), "python -m verif.lib.softmax_study"


def test_the_check_finds_a_stale_page(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "PAGE", tmp_path / "softmax.md")
    monkeypatch.setattr(study, "page", lambda: "new")
    assert study.main(["--check"]) == 1
    assert study.main([]) == 0
    assert study.main(["--check"]) == 0
    study.PAGE.write_text("old")
    assert study.main(["--check"]) == 1


@pytest.mark.parametrize("length", [*study.LENGTHS, 3, 197, 2000])
def test_heed_keeps_the_whole_mass(length):
    assert study.MASS["Heed"](study.uniform_rows(length)) == 1
    assert study.MASS["Heed"](study.normal_rows(length)) == 1


@pytest.mark.parametrize(
    ("length", "left"), [(64, 0.75), (128, 0.5), (255, 0.99609375), (256, 0), (512, 0), (4096, 0)]
)
def test_ita_loses_uniform_rows(length, left):
    assert study.MASS["ITA"](study.uniform_rows(length)) == left


def test_mass_of_normal_rows():
    """With the maximum known: 0.88 at 64 keys and 0.42 at 512; the running maximum loses more."""
    known, running = study.MASS["ITA, if it knew the maximum"], study.MASS["ITA"]
    assert known(study.normal_rows(64)) == pytest.approx(0.88, abs=0.01)
    assert known(study.normal_rows(512)) == pytest.approx(0.42, abs=0.01)
    assert running(study.normal_rows(512)) < known(study.normal_rows(512)) - 0.02


@pytest.mark.parametrize("size", study.SIZES)
def test_errors_of_attention(size):
    """The integer softmax is the best one at every length, and good for all of them."""
    errors = study.attention_errors(size)
    best = errors.pop("Heed, exact quotient")
    rounded = errors.pop("Heed, int8 output")
    assert best < min(errors.values())
    assert best < rounded < 0.03
    if size > 16:
        assert rounded < min(errors.values())
    assert errors["ITA, fixed window"] > 0.5
    if size >= 256:
        assert errors["I-BERT"] > 10 * rounded and errors["8-bit probabilities"] > 2 * rounded


def ita_written_out(row, steps):
    """One row in Python integers, column by column as the accelerator sees them."""
    top, total = -128, 0
    for first in range(0, len(row), 16):
        part = row[first : first + 16]
        higher = max([top, *part])
        total >>= math.floor((higher - top) / steps + 0.5)
        top = higher
        for value in part:
            total += 256 >> math.floor((top - value) / steps + 0.5)
    inverse = 255 * 256 // total
    return [inverse >> math.floor((top - value) / steps + 0.5) for value in row]


@given(SEEDS, st.integers(1, 70), st.sampled_from([1, 2, 8, 32]))
def test_ita_is_its_definition(seed, columns, steps):
    rng = np.random.default_rng(seed)
    logits = rng.integers(int(rng.integers(-128, 120)), 128, (3, columns)).astype(np.int8)
    got = ita_probabilities(logits, steps)
    assert got.tolist() == [ita_written_out(row, steps) for row in logits.tolist()]


def test_the_window_of_ita_clips():
    octaves = np.array([-9.0, -4.0, -1 / 32, 0, 1.0, 3.96875, 20.0])
    assert ita_window(octaves).tolist() == [-128, -128, -1, 0, 32, 127, 127]


@given(SEEDS, st.integers(1, 60), st.floats(1e-4, 1e-2))
def test_ibert_follows_the_float_softmax(seed, columns, scale):
    """Its polynomial is 2 % off at most, its probabilities are rounded down to 8 bits."""
    rng = np.random.default_rng(seed)
    sums = np.rint(rng.normal(size=(3, columns)) * 2 / scale)
    real = np.exp(scale * (sums - sums.max(axis=1, keepdims=True)))
    real = 256 * real / real.sum(axis=1, keepdims=True)
    got = ibert_probabilities(sums, scale)
    assert (got >= 0).all() and (got <= 1.05 * real + 0.5).all() and (got > 0.9 * real - 2).all()
    fine = ibert_probabilities(sums, scale, bits=16) / 256
    assert np.abs(fine - real).max() < 0.03 * 256


@given(SEEDS, st.integers(1, 300))
def test_rounded_probabilities(seed, columns):
    rng = np.random.default_rng(seed)
    e = rng.integers(0, 256, (3, columns))
    total = np.maximum(e.sum(axis=1, keepdims=True), 1)
    want = np.floor(255 * e / total + 0.5)
    assert np.abs(rounded_probabilities(e) - want).max() == 0
