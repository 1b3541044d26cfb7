"""Sums of many numbers with short paths.

A synthesised `+` of many numbers is left to the tools' choice of tree and adder, which can be half
as long again as need be.
"""

from amaranth.hdl import *

from hw.common.numeric import wrap

# Levels of two-input gates from the operands of a full adder to its sum and to its carry.
SUM_LEVELS = (2, 2, 1)
CARRY_LEVELS = (3, 3, 2)


def carry_save(m, values, width):
    """Return two numbers whose sum is that of `values` (at least two), modulo 2^width.

    Three numbers at a time become two, without a carry that runs through them, always the three
    that are known first.
    """
    known = [(0, wrap(value, width)) for value in values]
    for number in range(len(known) - 2):
        known.sort(key=lambda pair: pair[0])
        times, operands = zip(*known[:3], strict=True)
        names = ("a", "b", "c", "half", "sum", "carry")
        signals = [Signal(width, name=f"{name}_{number}") for name in names]
        a, b, c, half, total, carry = signals
        m.d.comb += [signal.eq(value) for signal, value in zip(signals[:3], operands, strict=True)]
        m.d.comb += [half.eq(a ^ b), total.eq(half ^ c), carry.eq((a & b | half & c) << 1)]
        known[:3] = [(_after(times, SUM_LEVELS), total), (_after(times, CARRY_LEVELS), carry)]
    return tuple(value for _, value in known)


def _after(times, levels):
    return max(time + level for time, level in zip(times, levels, strict=True))


def prefix_sum(m, a, b):
    """Return the sum of two numbers of the same width, modulo 2^width.

    Each bit's carry comes from ceil(log2(width)) steps, each of which looks twice as far down as
    the one before (Kogge and Stone's adder).
    """
    width = len(a)
    parity = Signal(width)
    m.d.comb += parity.eq(a ^ b)
    generates, propagates = Signal(width), Signal(width)
    m.d.comb += [generates.eq(a & b), propagates.eq(parity)]
    span = 1
    while span < width:
        names = ("generates", "propagates")
        wider_generates, wider_propagates = (Signal(width, name=f"{n}_{span}") for n in names)
        m.d.comb += [
            wider_generates.eq(generates | propagates & (generates << span)),
            wider_propagates.eq(propagates & (propagates << span)),
        ]
        generates, propagates = wider_generates, wider_propagates
        span *= 2
    return wrap(parity ^ (generates << 1), width)
