"""What the integer softmax keeps, next to published ones; writes docs/reference/softmax.md.

`python -m verif.lib.softmax_study` writes the page, with `--check` it only says whether it is
current.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sw_model import ops
from sw_model.baselines import (
    ibert_probabilities,
    ita_probabilities,
    ita_window,
    rounded_probabilities,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "softmax.md"
SIZES = (16, 64, 256, 512)
LENGTHS = (16, 64, 128, 256, 512, 1024, 4096)
HEADS = 12
HEAD_SIZE = 32
DEVIATIONS = np.geomspace(0.5, 8, HEADS)
"""Deviation of each head's logits, in the exponent of e."""

OCTAVES = 9
"""Octaves below a row's maximum at which the engine's exponential ends."""

RECALLED = {
    "Heed": (0.033, 0.031, 0.035, 0.045),
    "8-bit probabilities": (0.035, 0.040, 0.080, 0.144),
    "I-BERT": (0.047, 0.097, 0.252, 0.376),
    "ITA, fixed window": (0.544, 0.546, 0.587, 0.662),
}
"""Errors by SIZES on all-MiniLM-L6-v2's own Q, K and V, which the repository does not hold."""


@dataclass(frozen=True)
class Head:
    """A head of attention in int8, and what its sums mean.

    Parameters
    ----------
    q, k, v
        int8 [rows, HEAD_SIZE].
    scale
        What a step of Q K^T is worth in the exponent of e.
    """

    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    scale: float

    @cached_property
    def sums(self) -> np.ndarray:
        """Q K^T."""
        return ops.accumulate(self.q, self.k)

    @cached_property
    def octaves(self) -> np.ndarray:
        """The logits as real numbers, in the exponent of 2."""
        return self.sums * (self.scale * np.log2(np.e))

    @cached_property
    def logits(self) -> tuple[np.ndarray, int]:
        """The engine's logits, int8, and j: 2^j steps are an octave.

        As many steps as let int8 reach from the largest logit down to where the exponential of
        the lowest row ends.
        """
        rows = self.octaves.max(axis=1)
        lowest = max(rows.min() - OCTAVES, self.octaves.min())
        j = int(np.clip(np.floor(np.log2(255 / (rows.max() - lowest))), 1, 5))
        logits = np.floor((self.octaves - rows.max()) * 2**j + 127.5)
        return np.clip(logits, -128, 127).astype(np.int8), j

    @cached_property
    def exponentials(self) -> np.ndarray:
        """The engine's exponentials."""
        logits, j = self.logits
        return ops.exponential(logits, np.True_, j).astype(np.int64)

    @cached_property
    def exact(self) -> np.ndarray:
        """Attention in real numbers."""
        weights = np.exp2(self.octaves - self.octaves.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True) @ self.v.astype(np.float64)


def _int8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values * (127 / np.abs(values).max())), -127, 127).astype(np.int8)


def make_heads(size: int) -> list[Head]:
    """Return heads of `size` queries and keys: normal Q and K, V with a mean of its own."""
    rng = np.random.default_rng(size)
    heads = []
    for deviation in DEVIATIONS:
        q, k, v = (_int8(rng.normal(size=(size, HEAD_SIZE))) for _ in range(3))
        mean = 0.5 * rng.normal(size=(1, HEAD_SIZE))
        v = _int8(rng.normal(size=(size, HEAD_SIZE)) + mean)
        heads.append(Head(q, k, v, float(deviation / ops.accumulate(q, k).std())))
    return heads


def _heed(head: Head) -> np.ndarray:
    """The engine's int8 output, with a gain of 2 where it fits."""
    weighted = head.exponentials @ head.v.astype(np.int64)
    gain = int(np.abs(head.exact).max() <= 63)
    total = head.exponentials.sum(axis=1, keepdims=True)
    return ops.normalise(weighted, total, gain) / 2.0**gain


def _heed_unrounded(head: Head) -> np.ndarray:
    total = head.exponentials.sum(axis=1, keepdims=True)
    return head.exponentials @ head.v.astype(np.int64) / total


def _ita(head: Head) -> np.ndarray:
    return ita_probabilities(ita_window(head.octaves)) @ head.v.astype(np.int64) / 256


def _ita_our_logits(head: Head) -> np.ndarray:
    logits, j = head.logits
    return ita_probabilities(logits, 2**j) @ head.v.astype(np.int64) / 256


def _ibert(head: Head) -> np.ndarray:
    return ibert_probabilities(head.sums, head.scale) @ head.v.astype(np.int64) / 256


def _rounded(head: Head) -> np.ndarray:
    return rounded_probabilities(head.exponentials) @ head.v.astype(np.int64) / 255


ATTENTION: dict[str, Callable[[Head], np.ndarray]] = {
    "Heed, int8 output": _heed,
    "Heed, exact quotient": _heed_unrounded,
    "8-bit probabilities": _rounded,
    "I-BERT": _ibert,
    "ITA's arithmetic, Heed's logits": _ita_our_logits,
    "ITA, fixed window": _ita,
}


def attention_errors(size: int) -> dict[str, float]:
    """Return each way's relative L2 error over all heads of `size` queries and keys."""
    heads = make_heads(size)
    norm = sum((head.exact**2).sum() for head in heads)
    return {
        name: float(np.sqrt(sum(((way(head) - head.exact) ** 2).sum() for head in heads) / norm))
        for name, way in ATTENTION.items()
    }


def _heed_mass(octaves: np.ndarray) -> float:
    """What the engine's output keeps of a V that is 100 everywhere."""
    logits = np.clip(np.floor((octaves - octaves.max()) * 16 + 127.5), -128, 127).astype(np.int8)
    e = ops.exponential(logits, np.True_, 4).astype(np.int64)
    total = e.sum(axis=1, keepdims=True)
    return float(ops.normalise(100 * total, total, 0).mean() / 100)


def _rounded_mass(octaves: np.ndarray) -> float:
    logits = np.clip(np.floor((octaves - octaves.max()) * 16 + 127.5), -128, 127).astype(np.int8)
    e = ops.exponential(logits, np.True_, 4)
    return float(rounded_probabilities(e).sum(axis=1).mean() / 255)


def _ibert_mass(octaves: np.ndarray) -> float:
    sums = np.rint(octaves * 4096)
    return float(ibert_probabilities(sums, np.log(2) / 4096).sum(axis=1).mean() / 256)


def _ita_mass(octaves: np.ndarray, **options: int) -> float:
    return float(ita_probabilities(ita_window(octaves), **options).sum(axis=1).mean() / 256)


def _ita_mass_known_maximum(octaves: np.ndarray) -> float:
    return _ita_mass(octaves, width=octaves.shape[1])


MASS: dict[str, Callable[[np.ndarray], float]] = {
    "Heed": _heed_mass,
    "8-bit probabilities": _rounded_mass,
    "I-BERT": _ibert_mass,
    "ITA": _ita_mass,
    "ITA, if it knew the maximum": _ita_mass_known_maximum,
}


def uniform_rows(length: int) -> np.ndarray:
    """Return rows of equal logits, in octaves."""
    return np.zeros((1, length))


def normal_rows(length: int) -> np.ndarray:
    """Return 200 rows of normal logits of deviation 1 in the exponent of e, in octaves."""
    return np.random.default_rng(length).normal(size=(200, length)) * np.log2(np.e)


def tail_kept(length: int, octaves: float) -> tuple[float, float]:
    """Return the share of all keys but one, which stands `octaves` above them: real, Heed's."""
    e = ops.exponential(np.array([[127] + [127 - round(octaves * 16)] * (length - 1)]), True, 4)
    tail = (length - 1) * 2.0**-octaves
    return tail / (1 + tail), float(e[0, 1:].sum(dtype=int) / e.sum(dtype=int))


def _table(head: str, columns, rows: dict[str, list[float]], digits: int) -> str:
    lines = [f"| {head} | " + " | ".join(map(str, columns)) + " |"]
    lines.append("|---|" + "--:|" * len(columns))
    for name, values in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{v:.{digits}f}" for v in values) + " |")
    return "\n".join(lines)


def page() -> str:
    """Return the text of the page."""
    errors = [attention_errors(size) for size in SIZES]
    by_name = {name: [found[name] for found in errors] for name in ATTENTION}
    uniform = {n: [way(uniform_rows(length)) for length in LENGTHS] for n, way in MASS.items()}
    normal = {n: [way(normal_rows(length)) for length in LENGTHS] for n, way in MASS.items()}
    tails = [tail_kept(4096, octaves) for octaves in (4, 6, 8, 9, 10)]
    return TEXT.format(
        uniform=_table("keys", LENGTHS, uniform, 2),
        normal=_table("keys", LENGTHS, normal, 2),
        errors=_table("queries and keys", SIZES, by_name, 3),
        recalled=_table("queries and keys", SIZES, RECALLED, 3),
        tails=_table(
            "octaves between them",
            (4, 6, 8, 9, 10),
            {
                "real share of the 4095": [real for real, _ in tails],
                "Heed's": [kept for _, kept in tails],
            },
            3,
        ),
    )


TEXT = """\
# What the softmax keeps

Written by `python -m verif.lib.softmax_study`; do not edit. The arithmetic itself is in
[numerics.md](numerics.md). `verif/model/test_softmax_study.py` checks these figures,
`verif/model/test_softmax_properties.py` what holds for every row.

The engine divides once, after the product with V: numerator and denominator are exact sums of the
same 8-bit exponentials. So, for any row of up to 4096 keys:

- the weights of a row add up to exactly one: where all visible keys hold the same value, that
  value comes out, to the bit;
- uniform rows give the mean of V however long they are, and a row with one key nine octaves above
  the rest gives that key's V;
- adding a constant to the logits, as long as none clips, changes no bit, nor does whatever stands
  in masked columns;
- rows and heads may be split over jobs, and blocks be of any size: no bit changes.

It is compared with (`sw_model/baselines`, written after the papers and their published code):

| name | exponential | probabilities that meet V |
|---|---|---|
| 8-bit probabilities | Heed's | exact division, rounded to 255ths |
| I-BERT | polynomial of second order, 16 bits | 8 bits, rounded down |
| ITA | whole powers of two; logits in steps of 1/32 octave | 8 bits, rounded down twice |

## Mass of a row

What is left of weights that should add up to 1. Equal logits:

{uniform}

Zero means that the output of the attention is zero whatever V is: from 256 equal keys on with ITA
and I-BERT, from 512 on with rounded probabilities.

Normal logits of deviation 1 (mean of 200 rows):

{normal}

ITA compares 16 columns at a time; when the maximum rises by less than half an octave, what was
summed up before is not made smaller. The last line is without that.

## Attention against real numbers

Relative L2 distance to softmax in real numbers on the same int8 Q, K and V, over 12 heads. Q, K and
V are normal, V with a mean of its own (half of its deviation); the deviation of a head's logits
goes from 0.5 to 8 in geometric steps. Heed's logits use as many steps as their range allows, as
calibration does; ITA's fixed window clips at 4 octaves on either side of 0; I-BERT reads the whole
sums. Only the first line contains the rounding of the output to int8.

{errors}

Quoted from an earlier study on the Q, K and V of a trained network (all-MiniLM-L6-v2, texts of
different lengths), which is not part of the repository: this command cannot repeat it.

{recalled}

The data decide the size of the figures: on the trained network Heed's error is two to four times
that on normal data, and the others' differ by up to the same factor. The order is the same (on 16
normal keys the rounding of the output costs as much as all else, so that Heed is ahead of 8-bit
probabilities only before it). 8-bit probabilities, I-BERT and ITA lose most in long flat rows,
whose small weights are rounded to nothing.

## What is lost

An exponential has 8 bits: nine octaves below the row's maximum it is 0. One key above 4095 others
that are equal:

{tails}
"""


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is current; return the exit status."""
    text = page()
    if "--check" in arguments:
        current = PAGE.exists() and PAGE.read_text() == text
        print(f"{PAGE.name} is {'current' if current else 'stale'}")
        return int(not current)
    PAGE.write_text(text)
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
