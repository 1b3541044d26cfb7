"""Range and shape checks shared by the operators: one clear message each."""

import numpy as np

#: Smallest and largest value of every element type of the machine.
LIMITS = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "int32": (-(2**31), 2**31 - 1),
}


def integers(name: str, values, low: int, high: int) -> np.ndarray:
    """Return `values` as an int64 array after checking type and range.

    Parameters
    ----------
    name
        What the values are called in the message.
    low, high
        Inclusive bounds.

    Raises
    ------
    ValueError
        If the values are not integers or one lies outside [low, high].
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must hold integers, not {array.dtype}")
    info = np.iinfo(array.dtype)
    if array.size and (info.min < low or info.max > high):
        smallest, largest = int(array.min()), int(array.max())
        if smallest < low or largest > high:
            bad = smallest if smallest < low else largest
            raise ValueError(f"{name} holds {bad}; allowed is {low} to {high}")
    return array.astype(np.int64)


def elements(name: str, values, *dtypes: str) -> np.ndarray:
    """Return `values` as int64 after checking that they fit one of the element types.

    An array whose type is one of `dtypes` fits as it is; any other integer array must fit the
    range of the first one.
    """
    array = np.asarray(values)
    if array.dtype.name in dtypes:
        return array.astype(np.int64)
    return integers(name, array, *LIMITS[dtypes[0]])


def dimensions(name: str, array: np.ndarray, least: int) -> None:
    """Raise ValueError if `array` has fewer than `least` dimensions or an empty one."""
    if array.ndim < least:
        raise ValueError(f"{name} has shape {array.shape}; at least {least} dimensions are needed")
    if 0 in array.shape[array.ndim - least :]:
        raise ValueError(f"{name} has shape {array.shape}; no dimension may be 0")
