"""Convolutions over images with the channel last, requantised, with an optional maximum pool."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.matmul import accumulate
from sw_model.ops.pooling import max_pool, pad, pair, windows
from sw_model.ops.requantise import Entry, requantise


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    entry: Entry,
    dtype: str = "int8",
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    pad_value: int = 0,
    groups: int = 1,
    pool: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """Return a convolution, requantised and pooled: [..., oh, ow, Cout].

    `acc[y, x, c] = sum(x[y * sh + i * dh - top, x * sw + j * dw - left, k] * weight[c, i, j, k])`
    over i, j, k, modulo 2^32, and k counts in the group of c. Then every channel is requantised by
    its entry, and of each rectangle of `pool` results the largest is kept.

    Parameters
    ----------
    x
        [..., H, W, C], int8 or uint8.
    weight
        [Cout, kh, kw, C / groups], int8.
    entry
        Cout entries or one.
    dtype
        "int8" or "uint8".
    stride, dilation
        Pixels from one result to the next, and from one weight to the next; down and across.
    padding
        Pixels added at the top, on the left, at the bottom, on the right.
    pad_value
        Their value, of the type of x: its zero point.
    groups
        Divides C and Cout; result channels of group g see input channels of group g.
    pool
        Height and width of the rectangles; what is left over at the bottom and right is dropped.

    Raises
    ------
    ValueError
        If shapes, types or ranges do not go together.
    """
    x, weight = np.asarray(x), check.elements("weight", weight, "int8")
    check.dimensions("x", check.elements("x", x, "int8", "uint8"), 3)
    check.dimensions("weight", weight, 4)
    if weight.ndim != 4:
        raise ValueError(f"weight has shape {weight.shape}; 4 dimensions are needed")
    outputs, *kernel, inner = weight.shape
    if not 1 <= groups <= outputs or outputs % groups:
        raise ValueError(f"groups is {groups}; allowed are the divisors of {outputs} outputs")
    if inner * groups != x.shape[-1]:
        raise ValueError(
            f"x has {x.shape[-1]} channels; {groups} groups of {inner} by the weight {weight.shape}"
        )
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"dtype is {dtype!r}; allowed are int8, uint8")
    stride, dilation = pair("stride", stride), pair("dilation", dilation)
    cut = windows(pad(x, padding, pad_value), tuple(kernel), stride, dilation)
    parts = []
    for g in range(groups):
        own = cut[..., g * inner : (g + 1) * inner].reshape(*cut.shape[:-3], -1)
        rows = weight.reshape(groups, outputs // groups, -1)[g]
        parts.append(accumulate(own, rows))
    return max_pool(requantise(np.concatenate(parts, axis=-1), entry, dtype), pool)


def conv1d(
    x: np.ndarray,
    weight: np.ndarray,
    entry: Entry,
    dtype: str = "int8",
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: tuple[int, int] = (0, 0),
    pad_value: int = 0,
    groups: int = 1,
    pool: int = 1,
) -> np.ndarray:
    """Return a convolution over time: `conv2d` of images of one row.

    Parameters
    ----------
    x
        [..., T, C], int8 or uint8.
    weight
        [Cout, k, C / groups], int8.
    padding
        Steps added before and behind; (k - 1) * dilation and 0 make it causal.
    entry, dtype, stride, dilation, pad_value, groups, pool
        As for `conv2d`, in one dimension.

    Raises
    ------
    ValueError
        If shapes, types or ranges do not go together.
    """
    x, weight = np.asarray(x), np.asarray(weight)
    check.dimensions("x", x, 2)
    check.dimensions("weight", weight, 3)
    y = conv2d(
        x[..., None, :, :],
        weight[:, None],
        entry,
        dtype,
        stride=(1, stride),
        dilation=(1, dilation),
        padding=(0, padding[0], 0, padding[1]),
        pad_value=pad_value,
        groups=groups,
        pool=(1, pool),
    )
    return y[..., 0, :, :]


def depthwise(
    x: np.ndarray, weight: np.ndarray, entry: Entry, dtype: str = "int8", **options
) -> np.ndarray:
    """Return a convolution of every channel by itself: `conv2d` with a group a channel.

    Parameters
    ----------
    x
        [..., H, W, C], int8 or uint8.
    weight
        [C, kh, kw], int8.
    entry, dtype, options
        As for `conv2d`.

    Raises
    ------
    ValueError
        If shapes, types or ranges do not go together.
    """
    weight = np.asarray(weight)
    check.dimensions("weight", weight, 3)
    return conv2d(x, weight[..., None], entry, dtype, groups=weight.shape[0], **options)
