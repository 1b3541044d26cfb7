"""Atomics in main memory."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.bus import DataSignature
from hw.tcdm.amo import Amo, is_amo
from hw.tcdm.bus import TcdmOp
from hw.tcdm.reservations import Reservations

_ADDRESS_BITS = 32


class MemoryAtomics(wiring.Component):
    """Make loads and stores of the harts' atomics, for a memory that knows nothing else.

    LR is a load that makes a reservation of its hart. SC is a store when its hart has a reservation
    of that word, else it is answered with 1 and the memory sees nothing. An AMO is a load, and a
    store of the result. Reservations end as in the TCDM (`Reservations`), by what other harts do at
    this port. What else writes to the memory is not seen.

    Addresses of atomics are multiples of 4 and their strobes are all set.

    Parameters
    ----------
    harts : int
        Harts that share the port, 1 or more.

    Members
    -------
    port : In(DataSignature)
    hart : In; who asks, with `port.req`
    memory : Out(DataSignature); LOAD and STORE only

    Timing
    ------
    Loads, stores, LR and successful SC add no cycle: `memory.req` follows `port.req`, and
    `port.req.ready` follows `memory.req.ready`, combinationally; so do the responses. A failing SC
    is answered after one cycle. The response of an AMO is the one of its store, which is asked for
    in the cycle after the load's response, so nobody comes between; it carries the word as it was.
    An error of the memory ends the access and is passed on.

    Raises
    ------
    ValueError
        When `harts` is out of range.
    """

    def __init__(self, *, harts):
        if not isinstance(harts, int) or harts < 1:
            raise ValueError(f"harts is {harts!r}, but must be an integer of 1 or more")
        self._harts = harts
        super().__init__(
            {
                "port": In(DataSignature()),
                "hart": In(range(max(harts, 2))),
                "memory": Out(DataSignature()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.amo = amo = Amo()
        request = self.port.req.payload
        outgoing = self.memory.req
        response = self.memory.rsp
        taken = Signal()
        conditional = Signal()
        held = Signal()
        fails = Signal()
        refused = Signal()  # the response is to a failed SC, not of the memory
        reading = Signal()  # the memory's next response is what an AMO reads
        writing = Signal()  # an AMO's store is asked for
        address = Signal(_ADDRESS_BITS)  # of the AMO
        answered = Signal()  # the response's data is `answer`, not the memory's
        answer = Signal(32)

        m.d.comb += [
            conditional.eq(request.op == TcdmOp.SC),
            fails.eq(conditional & ~held),
            taken.eq(self.port.req.valid & self.port.req.ready),
            amo.old.eq(answer),
        ]
        with m.If(writing):
            m.d.comb += [
                outgoing.valid.eq(1),
                outgoing.payload.op.eq(TcdmOp.STORE),
                outgoing.payload.addr.eq(address),
                outgoing.payload.data.eq(amo.result),
                outgoing.payload.strobe.eq(0b1111),
            ]
        with m.Else():
            stores = (request.op == TcdmOp.STORE) | conditional
            m.d.comb += [
                outgoing.valid.eq(self.port.req.valid & ~fails),
                outgoing.payload.eq(request),
                outgoing.payload.op.eq(Mux(stores, TcdmOp.STORE, TcdmOp.LOAD)),
                self.port.req.ready.eq(outgoing.ready | fails),
            ]

        m.d.sync += refused.eq(taken & fails)
        with m.If(taken):
            m.d.sync += [
                answered.eq(conditional),
                answer.eq(fails),
                reading.eq(is_amo(request.op)),
                address.eq(request.addr),
                amo.op.eq(request.op),
                amo.operand.eq(request.data),
            ]
        with m.Elif(reading & response.valid):
            m.d.sync += [
                reading.eq(0),
                writing.eq(~response.error),
                answered.eq(1),
                answer.eq(response.data),
            ]
        with m.Elif(outgoing.ready):
            m.d.sync += writing.eq(0)

        m.d.comb += [
            self.port.rsp.valid.eq(refused | (response.valid & ~(reading & ~response.error))),
            self.port.rsp.data.eq(Mux(answered, answer, response.data)),
            self.port.rsp.error.eq(~refused & response.error),
        ]
        self._reserve(m, taken, held)
        return m

    def _reserve(self, m, taken, held):
        """Add the harts' reservations: words of 64 bits in one bank, like those of a TCDM."""
        row_bits = _ADDRESS_BITS - 3
        m.submodules.reservations = reservations = Reservations(
            harts=self._harts, masters=self._harts, banks=1, row_bits=row_bits
        )
        request = self.port.req.payload
        write = reservations.bank[0]
        writes = (request.op == TcdmOp.STORE) & request.strobe.any()
        writes |= ((request.op == TcdmOp.SC) & held) | is_amo(request.op)
        m.d.comb += [
            write.halves.eq((taken & writes) << request.addr[2]),
            write.row.eq(request.addr[3:]),
            write.master.eq(self.hart),
        ]
        for number, hart in enumerate(reservations.hart):
            mine = self.hart == number
            m.d.comb += [
                hart.word.half.eq(request.addr[2]),
                hart.word.row.eq(request.addr[3:]),
                hart.reserve.eq(taken & mine & (request.op == TcdmOp.LR)),
                hart.release.eq(taken & mine & (request.op == TcdmOp.SC)),
            ]
            with m.If(mine):
                m.d.comb += held.eq(hart.held)
