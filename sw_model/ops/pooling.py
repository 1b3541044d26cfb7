"""Pooling over images with the channel last: the largest value, or the requantised sum."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.requantise import Entry, requantise


def pair(name: str, values) -> tuple[int, int]:
    """Return two numbers, down and across, after checking that they are 1 or more."""
    if len(values) != 2 or min(values) < 1:
        raise ValueError(f"{name} is {tuple(values)}; two numbers of 1 or more are needed")
    return int(values[0]), int(values[1])


def pad(x: np.ndarray, padding: tuple[int, int, int, int], value: int) -> np.ndarray:
    """Return x [..., H, W, C] as int64 with pixels added at its top, left, bottom and right.

    Raises
    ------
    ValueError
        If the value does not fit the type of x, or a number of pixels is negative.
    """
    if len(padding) != 4 or min(padding) < 0:
        raise ValueError(f"padding is {tuple(padding)}; four numbers of 0 or more are needed")
    low, high = check.LIMITS["uint8" if x.dtype == np.uint8 else "int8"]
    if not low <= value <= high:
        raise ValueError(f"pad_value is {value}; allowed is {low} to {high}")
    top, left, bottom, right = padding
    widths = [(0, 0)] * (x.ndim - 3) + [(top, bottom), (left, right), (0, 0)]
    return np.pad(x.astype(np.int64), widths, constant_values=value)


def windows(
    x: np.ndarray, size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> np.ndarray:
    """Return [..., oh, ow, size[0], size[1], C]: what each result of a padded image sees.

    Raises
    ------
    ValueError
        If the image is smaller than a window.
    """
    places = []
    for name, length, n, step, spread in zip(
        ("height", "width"), x.shape[-3:-1], size, stride, dilation, strict=True
    ):
        span = (n - 1) * spread + 1
        if length < span:
            raise ValueError(f"the padded {name} is {length}; a window needs {span} or more")
        starts = np.arange((length - span) // step + 1) * step
        places.append(starts[:, None] + spread * np.arange(n))
    down, across = places
    return x[..., down[:, None, :, None], across[None, :, None, :], :]


def max_pool(
    x: np.ndarray,
    window: tuple[int, int],
    *,
    stride: tuple[int, int] | None = None,
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> np.ndarray:
    """Return the largest value of every window, channel by channel: [..., oh, ow, C].

    Parameters
    ----------
    x
        [..., H, W, C], int8 or uint8; the result has the same type.
    window
        Height and width.
    stride
        Pixels from one window to the next, down and across; the window's size when left out.
    padding
        Pixels added at the top, on the left, at the bottom, on the right, fewer than the window has
        in that direction. They are smaller than everything.

    Raises
    ------
    ValueError
        If shapes or ranges do not go together.
    """
    x = np.asarray(x)
    check.dimensions("pool input", check.elements("pool input", x, "int8", "uint8"), 3)
    window = pair("window", window)
    for amount, size in zip(padding, window * 2, strict=False):
        if amount >= size:
            raise ValueError(f"padding is {tuple(padding)}; windows of {window} allow less")
    dtype = "uint8" if x.dtype == np.uint8 else "int8"
    padded = pad(x, padding, check.LIMITS[dtype][0])
    cut = windows(padded, window, pair("stride", stride or window), (1, 1))
    return cut.max(axis=(-3, -2)).astype(dtype)


def average_pool(
    x: np.ndarray,
    window: tuple[int, int],
    entry: Entry,
    dtype: str = "int8",
    *,
    stride: tuple[int, int] | None = None,
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    pad_value: int = 0,
) -> np.ndarray:
    """Return the requantised sum of every window, channel by channel: [..., oh, ow, C].

    The sum is exact; the division by the window's size is part of the entry's mul and shift. Pixels
    of the padding count like others.

    Parameters
    ----------
    x
        [..., H, W, C], int8 or uint8.
    window
        Height and width.
    entry
        One for all channels.
    dtype
        "int8" or "uint8".
    stride
        Pixels from one window to the next, down and across; the window's size when left out.
    padding
        Pixels added at the top, on the left, at the bottom, on the right.
    pad_value
        Their value, of the type of x: its zero point.

    Raises
    ------
    ValueError
        If shapes, types or ranges do not go together.
    """
    x = np.asarray(x)
    check.dimensions("pool input", check.elements("pool input", x, "int8", "uint8"), 3)
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"dtype is {dtype!r}; allowed are int8, uint8")
    if entry.size != 1:
        raise ValueError(f"{entry.size} entries; an average takes 1")
    window = pair("window", window)
    padded = pad(x, padding, pad_value)
    cut = windows(padded, window, pair("stride", stride or window), (1, 1))
    return requantise(cut.sum(axis=(-3, -2)), entry, dtype)
