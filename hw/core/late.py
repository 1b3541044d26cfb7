"""Late results: who waits for them, and who writes the register file's second port."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class LateResults(wiring.Component):
    """The scoreboard, and the way of loads, products and quotients to the registers.

    Loads go first at the port, then products and requantisations, then quotients. Register 0 is
    never written and never pending.

    Parameters
    ----------
    tags : int
        Values of `tag`, which comes back with each result; for the observer.

    Members
    -------
    rd : In(5), register that the instruction in execute writes
    tag : In
    load, product, requantisation, quotient : In(1), it leaves execute and its result comes later
    pending : Out(32), registers whose result is still to come
    loaded : In; `valid`, `rd`, `data`, `tag`: memory's answer, never held back; a load that did not
        leave execute before its answer comes by here too
    product_data, requantised_data : In(32), what the units give, from the cycle after their start
    quotient_data : In(32)
    divided : In(1), the quotient is there
    divider_ack : Out(1), it goes to its register in this cycle
    multiplier_ready : Out(1), a product or a requantisation may start
    idle : Out(1), nothing is outstanding but loads
    write : Out; `valid`, `rd`, `data`, `tag`: the register file's second port

    Timing
    ------
    Combinational from the results to `write`. `pending` shows a start in the next cycle, and drops
    a register in the cycle after its write.
    """

    def __init__(self, *, tags=1):
        result = wiring.Signature(
            {"valid": Out(1), "rd": Out(5), "data": Out(32), "tag": Out(range(max(tags, 2)))}
        )
        self._tags = tags
        super().__init__(
            {
                "rd": In(5),
                "tag": In(range(max(tags, 2))),
                "load": In(1),
                "product": In(1),
                "requantisation": In(1),
                "quotient": In(1),
                "pending": Out(32),
                "loaded": In(result),
                "product_data": In(32),
                "requantised_data": In(32),
                "quotient_data": In(32),
                "divided": In(1),
                "divider_ack": Out(1),
                "multiplier_ready": Out(1),
                "idle": Out(1),
                "write": Out(result),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # A product's turn is the cycle after its start, unless a load has that.
        waits = Signal()
        requantised = Signal()
        product_rd = Signal(5)
        product_tag = Signal(range(max(self._tags, 2)))
        dividing = Signal()
        quotient_rd = Signal(5)
        quotient_tag = Signal(range(max(self._tags, 2)))
        write = self.write

        with m.If(self.loaded.valid):
            m.d.comb += [
                write.valid.eq(1),
                write.rd.eq(self.loaded.rd),
                write.data.eq(self.loaded.data),
                write.tag.eq(self.loaded.tag),
            ]
        with m.Elif(waits):
            m.d.comb += [
                self.multiplier_ready.eq(1),
                write.valid.eq(product_rd != 0),
                write.rd.eq(product_rd),
                write.data.eq(Mux(requantised, self.requantised_data, self.product_data)),
                write.tag.eq(product_tag),
            ]
        with m.Else():
            m.d.comb += [
                self.divider_ack.eq(self.divided),
                write.valid.eq(self.divided & (quotient_rd != 0)),
                write.rd.eq(quotient_rd),
                write.data.eq(self.quotient_data),
                write.tag.eq(quotient_tag),
            ]
        with m.If(~waits):
            m.d.comb += self.multiplier_ready.eq(1)

        starts = self.product | self.requantisation
        with m.If(starts):
            m.d.sync += [
                waits.eq(1),
                requantised.eq(self.requantisation),
                product_rd.eq(self.rd),
                product_tag.eq(self.tag),
            ]
        with m.Elif(~self.loaded.valid):
            m.d.sync += waits.eq(0)
        with m.If(self.quotient):
            m.d.sync += [dividing.eq(1), quotient_rd.eq(self.rd), quotient_tag.eq(self.tag)]
        with m.Elif(self.divider_ack):
            m.d.sync += dividing.eq(0)
        m.d.comb += self.idle.eq(~waits & ~dividing)

        with m.If(write.valid):
            m.d.sync += self.pending.bit_select(write.rd, 1).eq(0)
        with m.If((starts | self.quotient | self.load) & (self.rd != 0)):
            m.d.sync += self.pending.bit_select(self.rd, 1).eq(1)
        return m
