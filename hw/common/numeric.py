"""Numeric helpers of the data paths: nothing is truncated and no sign is lost unasked.

Amaranth's `eq` truncates silently and its slices are unsigned. These helpers give results whose
shape is stated or derived from the operands' shapes, and raise ValueError when a target cannot
hold every value that its source can take.
"""

from amaranth.hdl import *

__all__ = [
    "adder_tree",
    "bounds",
    "fit",
    "rounding_shift",
    "saturate",
    "store",
    "top_bits",
    "tree",
    "wrap",
]


def bounds(shape):
    """Return the smallest and the largest number that `shape` (or a value's shape) holds."""
    if isinstance(shape, Value):
        shape = shape.shape()
    shape = Shape.cast(shape)
    if shape.signed:
        return -(1 << shape.width >> 1), (1 << shape.width >> 1) - 1
    return 0, (1 << shape.width) - 1


def _as(value, shape):
    """Return `value` cut or extended to the bits of `shape`, in its signedness.

    An operand appears once in what it returns: expressions are not shared in the netlist.
    """
    if len(value) < shape.width:
        value = value | Const(0, Shape(shape.width, value.shape().signed))
    value = value[: shape.width]
    return value.as_signed() if shape.signed else value.as_unsigned()


def fit(value, shape, *, name="value"):
    """Return `value` in `shape`, sign or zero extended.

    Raises
    ------
    ValueError
        When `shape` cannot hold the whole range of `value`; says which ranges.
    """
    value, shape = Value.cast(value), Shape.cast(shape)
    low, high = bounds(value)
    if isinstance(value, Const):
        low = high = value.value
    target_low, target_high = bounds(shape)
    if low < target_low or high > target_high:
        raise ValueError(
            f"{name} ranges from {low} to {high}, but {shape!r} holds {target_low} to {target_high}"
        )
    return _as(value, shape)


def store(target, value):
    """Return the statement `target.eq(value)`.

    Raises
    ------
    ValueError
        When `target` cannot hold the whole range of `value`; names the target.
    """
    target = Value.cast(target)
    fit(value, target.shape(), name=f"source of {target!r}")
    return target.eq(value)


def wrap(value, shape):
    """Return `value` reduced modulo 2^width to `shape`: truncation on purpose."""
    return _as(Value.cast(value), Shape.cast(shape))


def top_bits(value, count):
    """Return the `count` uppermost bits of `value`, in its own signedness.

    Raises
    ------
    ValueError
        When `value` has fewer bits.
    """
    value = Value.cast(value)
    if not 1 <= count <= len(value):
        raise ValueError(f"count is {count}, but must be from 1 to {len(value)}, the value's bits")
    return _as(value[len(value) - count :], Shape(count, value.shape().signed))


def tree(values, combine):
    """Combine `values` (at least one) pairwise in a balanced tree.

    A `combine` that uses an operand twice must give a signal of its own, or the netlist grows
    with the square of the values.
    """
    values = [Value.cast(value) for value in values]
    if not values:
        raise ValueError("a tree needs at least one value")
    while len(values) > 1:
        pairs = [combine(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
        values = pairs + values[2 * len(pairs) :]
    return values[0]


def adder_tree(values):
    """Return the exact sum of `values`: ceil(log2(n)) bits wider than the widest of n."""
    return tree(values, lambda a, b: a + b)


def saturate(m, value, shape):
    """Return a signal that holds `value` clipped to the range of `shape`."""
    value, shape = Value.cast(value), Shape.cast(shape)
    (low, high), (value_low, value_high) = bounds(shape), bounds(value)
    whole = Signal(value.shape(), name="unclipped")
    clipped = Signal(shape, name="clipped")
    m.d.comb += [whole.eq(value), clipped.eq(_as(whole, shape))]
    if value_high > high:
        with m.If(whole > high):
            m.d.comb += clipped.eq(high)
    if value_low < low:
        with m.If(whole < low):
            m.d.comb += clipped.eq(low)
    return clipped


def rounding_shift(value, amount):
    """Return `(value + ((1 << amount) >> 1)) >> amount`: rounded half up, floor for amount 0.

    `amount` is a non-negative integer or an unsigned value. The sum is exact.
    """
    value = Value.cast(value)
    if isinstance(amount, int):
        if amount < 0:
            raise ValueError(f"amount is {amount}, but must not be negative")
        return (value + ((1 << amount) >> 1)) >> amount
    if amount.shape().signed:
        raise ValueError(f"amount is {amount!r}, a signed value, but must be unsigned")
    return (value + ((Const(1) << amount) >> 1)) >> amount
