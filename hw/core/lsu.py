"""Loads, stores and atomics: from the execute stage to memory and back to the registers."""

from amaranth.hdl import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE, ClusterConfig
from hw.core.align import LoadAlign, StoreAlign
from hw.core.bus import DataSignature
from hw.tcdm.bus import TcdmOp, TcdmSignature

QUEUE = 2
"""TCDM requests that wait after a refusal."""

_DEVICE_BITS = 16


class Region(enum.Enum, shape=2):
    """Where an address lies."""

    NOWHERE = 0
    TCDM = 1
    BLOCKING = 2


class Access(data.StructLayout):
    """Layout of an access: what to do, where, and where its result goes.

    `size` is funct3 of a load or store: bits 1:0 the size, bit 2 unsigned. `rd` is 0 for stores.
    `fails` is the unit's own: an SC that is known to fail, which memory sees as a load.
    """

    def __init__(self, tags):
        super().__init__(
            {
                "op": TcdmOp,
                "size": 3,
                "address": 32,
                "data": 32,
                "rd": 5,
                "fails": 1,
                "tag": range(max(tags, 2)),
            }
        )


class Performed(data.StructLayout):
    """Layout of what the observer gets: an access's data at its lowest byte, and its time."""

    def __init__(self, tags):
        super().__init__({"tag": range(max(tags, 2)), "data": 32, "time": 32})


class Lsu(wiring.Component):
    """Performs accesses in program order.

    TCDM requests are made in the cycle in which execute has them; one that is refused waits here
    and lets execute go on, `QUEUE` of them at most. They cannot fault. Accesses to devices and
    main memory hold execute until their response, and begin when no TCDM request waits.

    Parameters
    ----------
    config : ClusterConfig
        Sizes of TCDM and main memory.
    tags : int
        Values of `access.tag`, which `performed` repeats.

    Members
    -------
    valid : In(1), execute has an access that does not trap
    access : In(Access)
    region : Out(Region), of `access.address`, atomics on devices being nowhere
    misaligned : Out(1), the address is no multiple of the size
    strobe : Out(4), bytes of the access in its word
    ready : Out(1), with `valid`: execute may go on
    fault : Out(1), with `valid`: the response is an error
    busy : Out(1), the access was offered to memory and cannot be withdrawn
    idle : Out(1), no request waits and no load's value is outstanding
    late : Out(1), `valid` and `access` are a TCDM access: its result comes later
    write : Out; `valid`, `rd`, `data`, `tag`: a result for the registers, never held back
    refused : Out(1), a TCDM request was refused
    time : In(32)
    performed : Out; `valid` and Performed: an access got its response
    stored : Out; `valid`, `address`, `data`: memory takes a store of a word in this cycle
    tcdm : Out(TcdmSignature)
    data : Out(DataSignature)

    Timing
    ------
    A TCDM request follows `valid` and `access` combinationally when none waits; its result is
    written in the cycle after the grant. Others: the result is written in the cycle of `ready`.
    """

    def __init__(self, *, config: ClusterConfig, tags=1):
        self._config = config
        self._tags = tags
        write = wiring.Signature(
            {"valid": Out(1), "rd": Out(5), "data": Out(32), "tag": Out(range(max(tags, 2)))}
        )
        performed = wiring.Signature({"valid": Out(1), "payload": Out(Performed(tags))})
        stored = wiring.Signature({"valid": Out(1), "address": Out(32), "data": Out(32)})
        super().__init__(
            {
                "valid": In(1),
                "access": In(Access(tags)),
                "region": Out(Region),
                "misaligned": Out(1),
                "strobe": Out(4),
                "ready": Out(1),
                "fault": Out(1),
                "busy": Out(1),
                "idle": Out(1),
                "late": Out(1),
                "write": Out(write),
                "refused": Out(1),
                "time": In(32),
                "performed": Out(performed),
                "stored": Out(stored),
                "tcdm": Out(TcdmSignature(addr_width=config.tcdm.addr_width)),
                "data": Out(DataSignature()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.store = store = StoreAlign()
        m.submodules.load = load = LoadAlign()
        access = self.access
        m.d.comb += [
            store.size.eq(access.size[:2]),
            store.address.eq(access.address[:2]),
            store.value.eq(access.data),
            self.misaligned.eq(store.misaligned),
            self.strobe.eq(store.strobe),
        ]
        self._decode(m)

        waits = Signal(range(QUEUE + 1))
        answering = Signal()  # the response of `answered` is here
        answered = Signal(Access(self._tags))
        answered_at = Signal(32)
        pending = Signal()  # a blocking access waits for its response
        blocking_at = Signal(32)
        in_tcdm = self.region == Region.TCDM
        m.d.comb += self.late.eq(self.valid & in_tcdm)
        fails = self._reserve(m, in_tcdm)
        op = Mux(fails, TcdmOp.LOAD, access.op)
        self._request_tcdm(m, store, op, fails, waits, answering, answered, answered_at)

        # Devices and main memory.
        request, response = self.data.req, self.data.rsp
        blocking = Signal()
        m.d.comb += [
            blocking.eq(self.valid & (self.region == Region.BLOCKING)),
            request.valid.eq(blocking & ~pending & (waits == 0) & ~answering),
            request.payload.op.eq(op),
            request.payload.addr.eq(access.address),
            request.payload.data.eq(store.data),
            request.payload.strobe.eq(store.strobe),
            self.busy.eq(pending | request.valid),
            self.fault.eq(pending & response.valid & response.error),
            self.idle.eq((waits == 0) & ~answering),
        ]
        with m.If(request.valid & request.ready):
            m.d.sync += [pending.eq(1), blocking_at.eq(self.time)]
        with m.Elif(response.valid):
            m.d.sync += pending.eq(0)
        with m.If(in_tcdm):
            m.d.comb += self.ready.eq(waits != QUEUE)
        with m.Else():
            m.d.comb += self.ready.eq(pending & response.valid & ~response.error)

        # Results; the two kinds never come together.
        source = Signal(Access(self._tags))
        failed = Signal()
        half = Mux(answered.address[2], self.tcdm.rsp.data[32:], self.tcdm.rsp.data[:32])
        m.d.comb += [
            source.eq(Mux(answering, answered, access)),
            failed.eq(Mux(answering, answered.fails, fails)),
            load.op.eq(source.size),
            load.address.eq(source.address[:2]),
            load.data.eq(Mux(answering, half, response.data)),
            self.write.rd.eq(source.rd),
            self.write.tag.eq(source.tag),
            self.write.data.eq(Mux(failed, 1, load.value)),
            self.performed.valid.eq(answering | (pending & response.valid)),
            self.write.valid.eq((answering | (blocking & self.ready)) & (source.rd != 0)),
            self.performed.payload.tag.eq(source.tag),
            self.performed.payload.data.eq(Mux(failed, 1, load.raw)),
            self.performed.payload.time.eq(Mux(answering, answered_at, blocking_at)),
        ]
        taken = request.valid & request.ready
        with m.If(taken & (request.payload.op == TcdmOp.STORE) & request.payload.strobe.all()):
            m.d.comb += [
                self.stored.valid.eq(1),
                self.stored.address.eq(access.address),
                self.stored.data.eq(access.data),
            ]
        return m

    def _decode(self, m):
        tcdm_bits = self._config.tcdm.addr_width
        main_bits = self._config.main_bytes.bit_length() - 1
        address, op = self.access.address, self.access.op
        plain = (op == TcdmOp.LOAD) | (op == TcdmOp.STORE)
        device = plain & (address[_DEVICE_BITS:] == DEVICE_BASE >> _DEVICE_BITS)
        with m.If(address[tcdm_bits:] == TCDM_BASE >> tcdm_bits):
            m.d.comb += self.region.eq(Region.TCDM)
        with m.Elif(device | (address[main_bits:] == MAIN_BASE >> main_bits)):
            m.d.comb += self.region.eq(Region.BLOCKING)

    def _reserve(self, m, in_tcdm):
        """Remember which memory the last LR went to; say whether an SC fails for it."""
        reserved = Signal()
        reserved_tcdm = Signal()
        is_sc = self.access.op == TcdmOp.SC
        with m.If(self.valid & self.ready):
            with m.If(self.access.op == TcdmOp.LR):
                m.d.sync += [reserved.eq(1), reserved_tcdm.eq(in_tcdm)]
            with m.Elif(is_sc):
                m.d.sync += reserved.eq(0)
        return is_sc & ~(reserved & (reserved_tcdm == in_tcdm))

    def _request_tcdm(self, m, store, op, fails, waits, answering, answered, answered_at):
        """Make the request that waits longest, or execute's own."""
        access = self.access
        queue = [Signal(Access(self._tags), name=f"queue_{i}") for i in range(QUEUE)]
        # What waits has its data on the lanes already.
        entered = Signal(Access(self._tags))
        strobes = [Signal(4, name=f"strobe_{i}") for i in range(QUEUE)]
        current = Signal(Access(self._tags))
        strobe = Signal(4)
        enters = Signal()
        taken = Signal()
        request = self.tcdm.req
        m.d.comb += [
            entered.eq(access),
            entered.op.eq(op),
            entered.fails.eq(fails),
            entered.data.eq(store.data),
            current.eq(Mux(waits != 0, queue[0], entered)),
            strobe.eq(Mux(waits != 0, strobes[0], store.strobe)),
            enters.eq(self.late & self.ready),
            request.valid.eq((waits != 0) | self.late),
            request.payload.op.eq(current.op),
            request.payload.addr.eq(current.address[: self._config.tcdm.addr_width]),
            request.payload.data.eq(current.data.replicate(2)),
            request.payload.strobe.eq(
                Mux(current.address[2], Cat(C(0, 4), strobe), strobe),
            ),
            taken.eq(request.valid & request.ready),
            self.refused.eq(request.valid & ~request.ready),
        ]
        m.d.sync += [answering.eq(taken), waits.eq(waits + enters - taken)]
        with m.If(taken):
            m.d.sync += [answered.eq(current), answered_at.eq(self.time)]
            m.d.sync += [queue[0].eq(queue[1]), strobes[0].eq(strobes[1])]
        for place in range(QUEUE):
            with m.If(enters & (waits - taken == place)):
                m.d.sync += [queue[place].eq(entered), strobes[place].eq(store.strobe)]
        with m.If(taken & (current.op == TcdmOp.STORE) & strobe.all()):
            m.d.comb += [
                self.stored.valid.eq(1),
                self.stored.address.eq(current.address),
                self.stored.data.eq(current.data),
            ]
