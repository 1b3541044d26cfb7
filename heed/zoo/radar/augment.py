"""Cheap random changes of training sequences."""

import numpy as np

#: Largest shift over range in bins, largest change of the level in steps of the input.
SHIFT, LEVEL = 20, 8


def augment(sequences: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a batch int8 [N, 5, 32, 492, 2], each sequence changed by chance.

    All frames move over range together by up to SHIFT bins, the level changes by up to 2 dB, and
    in half of them the sensors are swapped, which mirrors the scene.
    """
    bins = sequences.shape[3]
    result = np.empty_like(sequences)
    for one, changed in zip(sequences, result, strict=True):
        by = int(generator.integers(-SHIFT, SHIFT + 1))
        mirrored = one[..., ::-1] if generator.random() < 0.5 else one
        level = int(generator.integers(-LEVEL, LEVEL + 1))
        table = np.clip(np.arange(256) - 128 + level, -128, 127).astype(np.int8)
        moved = changed[:, :, max(by, 0) : bins + min(by, 0)]
        moved[...] = table[mirrored[:, :, max(-by, 0) : bins - max(by, 0)] + np.int16(128)]
        changed[:, :, : max(by, 0)] = moved[:, :, :1]
        changed[:, :, bins + min(by, 0) :] = moved[:, :, -1:]
    return result
