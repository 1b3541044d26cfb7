"""Sums with few levels of gates: many numbers to two, and the sum of two."""

from amaranth.hdl import *

from hw.common.numeric import wrap


def carry_save(m, values, width):
    """Return two numbers whose sum is that of `values` (at least two), modulo 2^width.

    In each step three numbers become two, a sum without carries and the carries; a third of all
    numbers at a time (Wallace's tree). The numbers of a step lie side by side in one signal, which
    simulates faster than a signal each. That takes fewer levels of gates than what synthesis makes
    of a sum of many numbers.
    """
    count = len(values)
    stack = Signal(count * width, name=f"numbers_{count}")
    m.d.comb += stack.eq(Cat(wrap(value, width) for value in values))
    while count > 2:
        third = count // 3
        size = third * width
        a, b, c = (stack[n * size : (n + 1) * size] for n in range(3))
        rest = stack[3 * size :]
        no_carry_in = Const(((1 << width) - 2) * sum(1 << n * width for n in range(third)), size)
        carries = ((a & b | (a ^ b) & c) << 1) & no_carry_in
        count -= third
        stack = Signal(count * width, name=f"numbers_{count}")
        m.d.comb += stack.eq(Cat(rest, a ^ b ^ c, carries[:size]))
    return stack[:width], stack[width:]


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
