"""Patch embedding: an image becomes a sequence of tokens."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.matmul import accumulate
from sw_model.ops.requantise import Entry, requantise


def patches(image: np.ndarray, patch: int) -> np.ndarray:
    """Return [..., S, patch*patch]: the square patches of [..., H, W], both in raster order.

    Raises
    ------
    ValueError
        If height or width is not a multiple of the patch.
    """
    check.dimensions("image", image, 2)
    *lead, height, width = image.shape
    if patch < 1 or height % patch or width % patch:
        raise ValueError(f"a {height} x {width} image does not split into patches of {patch}")
    cut = image.reshape(*lead, height // patch, patch, width // patch, patch)
    return np.swapaxes(cut, -2, -3).reshape(*lead, -1, patch * patch)


def patch_embed(
    image: np.ndarray, weight: np.ndarray, position: np.ndarray, entry: Entry, patch: int
) -> np.ndarray:
    """Return `clip16((acc*mul + ((position*rmul) << rsh) + add) >> shift)`, [..., S, E].

    Parameters
    ----------
    image
        int8 [..., H, W].
    weight
        int8 [E, patch*patch].
    position
        int16 [S, E], joined like a residual.
    entry
        One entry a channel, or one for all.
    patch
        Side of a patch in pixels.

    Raises
    ------
    ValueError
        If the shapes do not go together.
    """
    cut = patches(check.elements("image", image, "int8"), patch)
    weight = check.elements("weight", weight, "int8")
    position = check.elements("position", position, "int16")
    if weight.ndim != 2 or weight.shape[1] != patch * patch:
        raise ValueError(f"weight has shape {weight.shape}; (E, {patch * patch}) is needed")
    if position.shape != (cut.shape[-2], weight.shape[0]):
        raise ValueError(
            f"position has shape {position.shape}; {(cut.shape[-2], weight.shape[0])} is needed"
        )
    acc = accumulate(cut, weight)
    return requantise(acc, entry, "int16", residual=np.broadcast_to(position, acc.shape))
