"""Counters of what the engine's cycles went to."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import Activity
from hw.config import EngineConfig
from hw.regmap import Stall

COUNTER_BITS = 32


class Counters(wiring.Component):
    """Says of each busy cycle that it was active, or else which stall it was, and counts them.

    A cycle is active when a row of inputs goes to the array or a row of elements to the epilogue.
    Of others the part that is nearest to the outputs counts: outputs that are refused, then what
    the epilogue lacks for sums, then what the array lacks, then rows of the direct path. What is
    lacking counts as WAIT while a gate holds back who fetches it.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    busy : In; a job runs or waits
    activity : In(Activity)
    granted_read, granted_write, port_refused : In(a bit for each port); what became of its request
    clear : In; sets all counters to 0
    count_busy, count_active : Out(32)
    count_stall : Out(32) for each `Stall`; these and `count_active` add up to `count_busy`
    count_read, count_written, count_refused : Out(32)

    Timing
    ------
    Counters show what happened two cycles ago (of ports: three). They wrap.
    """

    def __init__(self, *, config: EngineConfig):
        self._ports = config.ports
        count = Out(COUNTER_BITS)
        super().__init__(
            {
                "busy": In(1),
                "activity": In(Activity()),
                "granted_read": In(self._ports),
                "granted_write": In(self._ports),
                "port_refused": In(self._ports),
                "clear": In(1),
                "count_busy": count,
                "count_active": count,
                "count_stall": count.array(len(Stall)),
                "count_read": count,
                "count_written": count,
                "count_refused": count,
            }
        )

    def elaborate(self, platform):
        m = Module()
        busy = Signal()
        now = Activity().create()
        m.d.sync += busy.eq(self.busy)
        for name in Activity().members:
            m.d.sync += getattr(now, name).eq(getattr(self.activity, name))

        active = now.active | now.taken_direct
        stall = Signal(Stall)
        m.d.comb += stall.eq(Stall.CONTROL)
        causes = (
            ("refused", Stall.Y, None),
            ("waits_entry", Stall.PARAMETERS, "parameter_waiting"),
            ("waits_residual", Stall.R, "residual_waiting"),
            ("no_row", Stall.X, "input_waiting"),
            ("no_weights", Stall.W, "weight_waiting"),
            ("waits_direct", Stall.X, "direct_waiting"),
        )
        for lack, cause, waiting in reversed(causes):
            with m.If(getattr(now, lack)):
                m.d.comb += stall.eq(cause)
                if waiting:
                    with m.If(getattr(now, waiting)):
                        m.d.comb += stall.eq(Stall.WAIT)
        with m.If(busy):
            m.d.sync += self.count_busy.eq(self.count_busy + 1)
            with m.If(active):
                m.d.sync += self.count_active.eq(self.count_active + 1)
            for cause in Stall:
                count = self.count_stall[cause]
                with m.If(~active & (stall == cause)):
                    m.d.sync += count.eq(count + 1)

        for name, count in (
            ("granted_read", self.count_read),
            ("granted_write", self.count_written),
            ("port_refused", self.count_refused),
        ):
            bits = Signal(self._ports, name=f"{name}_bits")
            total = Signal(range(self._ports + 1), name=f"{name}_total")
            m.d.sync += [
                bits.eq(getattr(self, name)),
                total.eq(sum(bits)),
                count.eq(count + total),
            ]
        return ResetInserter(self.clear)(m)
