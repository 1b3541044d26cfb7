"""An adder of few levels."""

from amaranth.hdl import *


def prefix_sum(m, a, b):
    """Return the sum of two values of one width, cut to that width.

    Carries are computed for blocks of 1, 2, 4 ... bits (Sklansky's tree): 2 log2(width) + 2 levels
    of gates, some fewer than synthesis makes of `+`, for a few gates more. For paths where more
    follows the sum.
    """
    width = len(a)
    if len(b) != width:
        raise ValueError(f"the second operand has {len(b)} bits, but must have {width}")
    # Signals, because expressions are not shared.
    first, second = Signal(width, name="first_term"), Signal(width, name="second_term")
    generate, propagate = Signal(width), Signal(width)
    m.d.comb += [
        first.eq(a),
        second.eq(b),
        generate.eq(first & second),
        propagate.eq(first ^ second),
    ]
    passes = propagate
    size = 1
    while size < width:
        # The upper half of each block of 2 * size takes what leaves the lower half.
        below_generate = _spread(generate, size)
        below_passes = _spread(passes, size)
        upper = Const(sum(1 << n for n in range(width) if n & size), width)
        carried = Signal(width, name=f"generate_{2 * size}")
        passed = Signal(width, name=f"passes_{2 * size}")
        m.d.comb += [
            carried.eq(generate | (passes & below_generate)),
            passed.eq(passes & (below_passes | ~upper)),
        ]
        generate, passes = carried, passed
        size *= 2
    return propagate ^ Cat(C(0, 1), generate[:-1])


def _spread(bits, size):
    """Return in the upper half of each block of 2 * `size` bits the top of its lower half."""
    width = len(bits)
    parts = []
    for start in range(0, width, 2 * size):
        parts.append(C(0, min(size, width - start)))
        rest = min(size, width - start - size)
        if rest > 0:
            parts.append(bits[start + size - 1].replicate(rest))
    return Cat(parts)
