"""From real factors and ranges to the integers of parameter entries."""

import numpy as np

MUL_BITS = 15
MAX_SHIFT = 31


def ceil_scale(values, bits: int = 12) -> np.ndarray:
    """Return positive values rounded up to `bits` significant bits.

    Calibrated ranges pass through here: what a different order of float additions changes in the
    last digits does not reach the integers.
    """
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    return np.ldexp(np.ceil(mantissa * 2**bits - 1e-6), exponent - bits)


def round_half_up(values) -> np.ndarray:
    """Return the nearest integers as int64, halves upward."""
    return np.floor(np.asarray(values, np.float64) + 0.5).astype(np.int64)


def multiplier(factor, max_shift: int = MAX_SHIFT) -> tuple[np.ndarray, np.ndarray]:
    """Return (mul, shift) with mul / 2^shift close to each factor.

    mul has a sign and at most MUL_BITS bits besides, shift lies in 0..max_shift; factors too
    small for it lose bits of mul and end at 0.

    Raises
    ------
    ValueError
        If a factor is too large for shift 0.
    """
    factor = np.atleast_1d(np.asarray(factor, np.float64))
    _, exponent = np.frexp(factor)
    shift = np.where(factor == 0, 0, MUL_BITS - exponent)
    if shift.min() < 0:
        raise ValueError(f"factor {np.abs(factor).max():g} is above 2^{MUL_BITS}")
    shift = np.minimum(shift, max_shift)
    return round_half_up(np.ldexp(factor, shift)), shift


def entry(factor, offset=0.0, max_shift: int = MAX_SHIFT) -> dict[str, np.ndarray]:
    """Return constants mul, add, shift of `y = x * factor + offset`, rounded half up.

    Parameters
    ----------
    factor
        One a channel; becomes mul and shift.
    offset
        One a channel, in steps of the output: bias, zero point.
    """
    mul, shift = multiplier(factor, max_shift)
    half = (np.int64(1) << shift) >> 1
    add = round_half_up(np.ldexp(np.broadcast_to(offset, mul.shape), shift)) + half
    return _pack(mul=mul, add=add, shift=shift)


def core_entry(factor, offset=0.0, max_shift: int = MAX_SHIFT) -> dict[str, np.ndarray]:
    """Return constants as `entry` does, in the form that the cores' instruction `heed.rq` takes.

    Its add is `bias * mul + half`, so the offset is rounded to a whole number of products.

    Parameters
    ----------
    factor
        One a channel, none negative. A channel whose factor is 0 takes the offset as zero point.
    offset, max_shift
        As in `entry`.

    Raises
    ------
    ValueError
        If a factor is negative, or an offset too large beside its factor for a bias of 32 bits.
    """
    mul, shift = multiplier(factor, max_shift)
    if mul.min() < 0:
        raise ValueError(f"factor {np.min(factor):g} is negative")
    offset = np.broadcast_to(np.asarray(offset, np.float64), mul.shape)
    bias = round_half_up(np.ldexp(offset, shift) / np.maximum(mul, 1))
    if np.any((mul > 0) & (np.abs(bias) >= 1 << 31)):
        raise ValueError(f"an offset of {np.abs(offset).max():g} needs a bias of more than 32 bits")
    zero = np.clip(round_half_up(offset), -128, 127)
    half = (np.int64(1) << shift) >> 1
    add = np.where(mul > 0, bias * mul, zero << shift) + half
    return _pack(mul=mul, add=add, shift=shift)


def residual_entry(factor, residual_factor: float, offset=0.0) -> dict[str, np.ndarray]:
    """Return constants of `y = x * factor + r * residual_factor + offset`.

    The residual's factor is rmul * 2^rsh / 2^shift, with the shift that the first one asks for.
    """
    constants = entry(factor, offset)
    shift = constants["shift"].astype(np.int64)
    rmul, own = multiplier(np.broadcast_to(residual_factor, shift.shape))
    drop = np.maximum(own - shift, 0)  # bits of rmul below the sum's last one
    rmul = (rmul + ((np.int64(1) << drop) >> 1)) >> drop
    return constants | _pack(rmul=rmul, rsh=shift - own + drop)


def _pack(**values: np.ndarray) -> dict[str, np.ndarray]:
    types = {"add": np.int64, "shift": np.uint8, "rsh": np.uint8}
    return {name: value.astype(types.get(name, np.int32)) for name, value in values.items()}


def symmetric_weight(weight: np.ndarray, per_channel: bool = True):
    """Return (int8 weights in -127..127, scale of each row or the one of all)."""
    peak = np.abs(weight).max(axis=1 if per_channel else None)
    scale = np.where(peak == 0, 1.0, ceil_scale(peak) / 127)
    quotient = weight / (scale[:, None] if per_channel else scale)
    return np.clip(round_half_up(quotient), -127, 127).astype(np.int8), scale
