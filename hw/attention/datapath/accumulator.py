"""The accumulators: partial sums of a T x T output tile across the inner loop."""

from amaranth.hdl import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import OutputRow, StepSums
from hw.common.numeric import wrap
from hw.config import EngineConfig


class Accumulator(wiring.Component):
    """Adds the array's sums to those of earlier steps of the same row and column group.

    A step with `first` set starts from zero whatever the memory holds. A step with `last` set
    sends the total to `o` and leaves the memory as it is; any other writes it back. Totals wrap
    modulo 2^32.

    The memory has one synchronous read and one write port. A total is written in the cycle in
    which the next step reads, so a step that follows another of its own row and group takes the
    total from the register that keeps the value written last.

    Parameters
    ----------
    config : EngineConfig
        T x G rows of N x 32 bits.

    Members
    -------
    i : In(stream of StepSums)
    o : Out(stream of OutputRow), accumulators of `last` steps only

    Timing
    ------
    Two cycles from `i` to `o`, one step a cycle. `i.ready` depends combinationally on `o.ready`.
    The sums of `i` go into registers first, and `o` comes from registers.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(StepSums(config))),
                "o": Out(stream.Signature(OutputRow(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        totals_shape = data.ArrayLayout(signed(32), self._config.units)
        group_bits = self._config.groups.bit_length() - 1
        depth = self._config.tile * self._config.groups
        m.submodules.memory = mem = memory.Memory(
            shape=Shape.cast(totals_shape), depth=depth, init=()
        )
        write = mem.write_port()
        read = mem.read_port()

        def address(step):
            return Cat(step.group[:group_bits], step.row)

        # Adding: the step whose stored total is at the read port.
        adding = Signal()
        current = Signal(StepSums(self._config))
        written = Signal(totals_shape)
        forward = Signal()
        stored = data.View(totals_shape, Mux(forward, written.as_value(), read.data))
        totals = Signal(totals_shape)
        for unit in range(self._config.units):
            start = Mux(current.step.first, 0, stored[unit])
            m.d.comb += totals[unit].eq(wrap(start + current.sums[unit], signed(32)))

        proceed = Signal()
        write_back = Signal()
        m.d.comb += [
            proceed.eq(adding & (~current.step.last | ~self.o.valid | self.o.ready)),
            write_back.eq(proceed & ~current.step.last),
            self.i.ready.eq(~adding | proceed),
            read.en.eq(self.i.valid & self.i.ready & ~self.i.payload.step.first),
            read.addr.eq(address(self.i.payload.step)),
            write.en.eq(write_back),
            write.addr.eq(address(current.step)),
            write.data.eq(totals),
        ]
        with m.If(self.i.ready):
            m.d.sync += adding.eq(self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += [
                    current.eq(self.i.payload),
                    forward.eq(write_back & (read.addr == write.addr)),
                ]
        with m.If(write_back):
            m.d.sync += written.eq(totals)

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(proceed & current.step.last):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.payload.row.eq(current.step.row),
                self.o.payload.group.eq(current.step.group),
                self.o.payload.values.eq(totals),
            ]
        return m
