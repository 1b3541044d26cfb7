"""A short queue in registers."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class Queue(wiring.Component):
    """A stream through `depth` registers.

    Parameters
    ----------
    shape : ShapeLike
        Payload.
    depth : int
        Items it holds, a power of two, 2 to 64.
    fall_through : bool
        Whether an item that finds the queue empty is at `o` in the same cycle.

    Members
    -------
    i : In(stream)
    o : Out(stream)
    level : Out(range(depth + 1)); items inside

    Timing
    ------
    One cycle from `i` to `o`, one item a cycle; `i.ready` and `o.valid` come from registers. With
    `fall_through` no cycle when it is empty: `o` depends combinationally on `i`, `i.ready` does not
    depend on anything.

    Raises
    ------
    ValueError
        When `depth` is not allowed.
    """

    def __init__(self, shape, *, depth, fall_through=False):
        if not isinstance(depth, int) or not 2 <= depth <= 64 or depth & (depth - 1):
            raise ValueError(f"depth is {depth!r}, but must be a power of two from 2 to 64")
        self._width = Shape.cast(shape).width
        self._depth = depth
        self._fall_through = fall_through
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "level": Out(range(depth + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        items = Signal(data.ArrayLayout(self._width, self._depth))
        head = Signal(range(self._depth))
        tail = Signal(range(self._depth))
        put = Signal()
        get = Signal()
        m.d.comb += [
            self.i.ready.eq(self.level != self._depth),
            self.o.valid.eq(self.level != 0),
            Value.cast(self.o.payload).eq(items[head]),
            put.eq(self.i.valid & self.i.ready),
            get.eq(self.o.valid & self.o.ready),
        ]
        if self._fall_through:
            with m.If(self.level == 0):
                m.d.comb += [
                    self.o.valid.eq(self.i.valid),
                    self.o.payload.eq(self.i.payload),
                    put.eq(self.i.valid & ~self.o.ready),
                    get.eq(0),
                ]
        with m.If(put):
            m.d.sync += [items[tail].eq(Value.cast(self.i.payload)), tail.eq(tail + 1)]
        with m.If(get):
            m.d.sync += head.eq(head + 1)
        with m.If(put & ~get):
            m.d.sync += self.level.eq(self.level + 1)
        with m.Elif(get & ~put):
            m.d.sync += self.level.eq(self.level - 1)
        return m
