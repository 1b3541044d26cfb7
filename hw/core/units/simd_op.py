"""Operations of the packed unit."""

from amaranth.hdl import *
from amaranth.lib import data, enum


class SimdKind(enum.Enum, shape=3):
    """What the result is, and which of `SimdVariant` it has.

    SUM is a sum or difference with a shift (`sum`), AVERAGE that of unsigned numbers, shifted by
    one. NEGATE gives the absolute value or what complex numbers need (`negate`). SHIFT shifts by
    the second operand (`shift`), LOGIC goes bit by bit or asks for equality (`logic`). ORDER
    compares and PICK is the minimum or the maximum (`order`). MOVE takes bytes from other places
    (`move`).
    """

    SUM = 0
    AVERAGE = 1
    NEGATE = 2
    SHIFT = 3
    LOGIC = 4
    ORDER = 5
    PICK = 6
    MOVE = 7


class SimdSum(data.Struct):
    """A sum or difference, then a shift to the right."""

    shift: 2
    subtract: 1


class SimdNegate(data.Struct):
    """With `turn` the difference of two complex numbers times -j, then a shift to the right.

    Otherwise a shift of 0 stands for the absolute value, of 1 for the conjugate.
    """

    shift: 2
    turn: 1


class SimdShift(data.Struct):
    """A shift of each lane, to the right unless `left`."""

    left: 1
    arithmetic: 1


class SimdOrder(data.Struct):
    """Whether a <= b, with `strict` a < b, with `invert` whether not; PICK takes a if so."""

    strict: 1
    unsigned: 1
    invert: 1


class SimdLogic(enum.Enum, shape=3):
    """Bit by bit, or all ones where lanes are equal or not."""

    OR = 0
    XOR = 1
    AND = 2
    EQUAL = 3
    NOT_EQUAL = 4


class SimdMove(enum.Enum, shape=3):
    """Where bytes come from.

    `SimdOp.scalar` says of SHUFFLE that the selectors lie in the immediate, of PACK that of halves
    the upper ones are taken, or that the result of bytes is the upper half.
    """

    EXTRACT = 0
    EXTRACT_UNSIGNED = 1
    INSERT = 2
    SHUFFLE = 3
    SHUFFLE_TWO = 4
    PACK = 5


class SimdVariant(data.Union):
    """What the kind needs to know."""

    sum: SimdSum
    negate: SimdNegate
    shift: SimdShift
    order: SimdOrder
    logic: SimdLogic
    move: SimdMove


class SimdOp(data.Struct):
    """An operation: `half` has lanes of 16 bits rather than 8, `scalar` repeats the lowest lane of
    the second operand."""

    kind: SimdKind
    variant: SimdVariant
    half: 1
    scalar: 1
