"""Cheap random changes of training sequences."""

import numpy as np

#: Largest change of the level in steps of the input.
LEVEL = 8


def change(sequences: np.ndarray, generator: np.random.Generator, shift: int) -> np.ndarray:
    """Return a batch int8 [N, 5, 32, 492, 2], each sequence changed by chance.

    All frames move over range together by up to `shift` bins, the level changes by up to 2 dB, and
    in half of them the sensors are swapped, which mirrors the scene.
    """
    bins = sequences.shape[3]
    result = np.empty_like(sequences)
    for one, changed in zip(sequences, result, strict=True):
        by = int(generator.integers(-shift, shift + 1))
        mirrored = one[..., ::-1] if generator.random() < 0.5 else one
        level = int(generator.integers(-LEVEL, LEVEL + 1))
        table = np.clip(np.arange(256) - 128 + level, -128, 127).astype(np.int8)
        moved = changed[:, :, max(by, 0) : bins + min(by, 0)]
        moved[...] = table[mirrored[:, :, max(-by, 0) : bins - max(by, 0)] + np.int16(128)]
        changed[:, :, : max(by, 0)] = moved[:, :, :1]
        changed[:, :, bins + min(by, 0) :] = moved[:, :, -1:]
    return result


def augment(
    sequences: np.ndarray, generator: np.random.Generator, shift: int, mix: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return a batch changed by chance, and what was mixed into it.

    Parameters
    ----------
    sequences
        int8 [N, 5, 32, 492, 2].
    shift
        Largest shift over range in bins.
    mix
        Parameter of the symmetric Beta distribution that the share is drawn from; 0 mixes nothing.

    Returns
    -------
    sequences
        int8, the changed ones: `share` of each and 1 - share of another.
    others
        Indices [N] of what was mixed in.
    share
        From 0.5 to 1; 1 if nothing was mixed.
    """
    changed = change(sequences, generator, shift)
    if not mix:
        return changed, np.arange(len(changed)), 1.0
    share = float(generator.beta(mix, mix))
    share = max(share, 1 - share)
    others = generator.permutation(len(changed))
    mixed = np.float32(share) * changed + np.float32(1 - share) * changed[others]
    return np.rint(mixed).astype(np.int8), others, share
