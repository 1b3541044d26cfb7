"""Crossbar between TCDM masters and banks."""

from functools import reduce
from operator import or_

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from hw.config import TcdmConfig
from hw.tcdm.amo import is_amo
from hw.tcdm.arbiter import RoundRobinArbiter
from hw.tcdm.bank import BankRequest, BankSignature
from hw.tcdm.bus import TcdmOp, TcdmSignature
from hw.tcdm.hash import bank_and_row
from hw.tcdm.reservations import Reservations


class Crossbar(wiring.Component):
    """Connects any number of masters with the banks; one winner a bank a cycle, round-robin.

    A request goes to the bank that the hash of its address names. Requests to different banks
    never wait for one another. A store-conditional becomes a store when its hart has a reservation
    of its word (`Reservations`), else a read whose response is 1 and not the word.

    Parameters
    ----------
    config : TcdmConfig
        The scratchpad.
    masters : int
        Number of masters, at least 1.
    harts : int
        How many of them, the first ones, have a reservation. For the others LR is a load and SC
        always fails.

    Members
    -------
    master : In(TcdmSignature) for each master
    bank : Out(BankSignature) for each bank

    Timing
    ------
    A request is granted in the cycle in which it is made when nobody else asks for its bank and the
    bank is not busy with an AMO, else after at most `masters - 1` cycles and the busy ones.
    `req.ready` of a master depends combinationally on the requests of all masters, and a bank's
    request likewise. The response comes exactly one cycle after the grant; its data is the word
    read (before an AMO), in both 32-bit halves 0 or 1 after an SC, and means nothing after a store.

    Raises
    ------
    ValueError
        When `masters` or `harts` is out of range.
    """

    def __init__(self, *, config: TcdmConfig, masters, harts=0):
        if not isinstance(masters, int) or masters < 1:
            raise ValueError(f"masters is {masters!r}, but must be an integer of 1 or more")
        if not isinstance(harts, int) or not 0 <= harts <= masters:
            raise ValueError(f"harts is {harts!r}, but must be an integer from 0 to {masters}")
        self.config = config
        self.masters = masters
        self.harts = harts
        super().__init__(
            {
                "master": In(TcdmSignature(addr_width=config.addr_width)).array(masters),
                "bank": Out(BankSignature(config)).array(config.banks),
            }
        )

    def elaborate(self, platform):
        m = Module()
        requests = []
        numbers = []  # of the bank that each master asks
        targets = []  # the same with one bit a bank, nothing when a master does not ask
        succeeds = [Signal(name=f"succeeds_{i}") for i in range(self.masters)]  # if it is an SC
        for i, master in enumerate(self.master):
            request = Signal(BankRequest(self.config), name=f"request_{i}")
            number = Signal(self.config.bank_bits, name=f"number_{i}")
            target = Signal(self.config.banks, name=f"target_{i}")
            payload = master.req.payload
            bank, row = bank_and_row(self.config, payload.addr)
            m.d.comb += [
                number.eq(bank),
                target.eq(master.req.valid << number),
                request.op.eq(payload.op),
                request.row.eq(row),
                request.data.eq(payload.data),
                request.strobe.eq(payload.strobe),
            ]
            with m.If(payload.op == TcdmOp.SC):
                m.d.comb += request.op.eq(Mux(succeeds[i], TcdmOp.STORE, TcdmOp.LOAD))
            requests.append(request)
            numbers.append(number)
            targets.append(target)

        grants = []
        winners = []
        for i, bank in enumerate(self.bank):
            m.submodules[f"arbiter_{i}"] = arbiter = RoundRobinArbiter(requests=self.masters)
            m.d.comb += [
                arbiter.request.eq(Mux(bank.busy, 0, Cat(target[i] for target in targets))),
                bank.valid.eq(arbiter.request.any()),
                bank.request.eq(_fill(requests)[arbiter.winner]),
            ]
            grants.append(arbiter.grant)
            winners.append(arbiter.winner)

        granted = Signal(self.masters)
        answered = Signal(self.masters)
        m.d.comb += granted.eq(reduce(or_, grants))  # a master asks one bank at a time
        m.d.sync += answered.eq(granted)
        words = Array(bank.rdata for bank in self.bank)
        for i, master in enumerate(self.master):
            source = Signal(self.config.bank_bits, name=f"source_{i}")
            conditional = Signal(name=f"conditional_{i}")
            failed = Signal(name=f"failed_{i}")
            m.d.sync += [
                source.eq(numbers[i]),
                conditional.eq(master.req.payload.op == TcdmOp.SC),
                failed.eq(~succeeds[i]),
            ]
            m.d.comb += [
                master.req.ready.eq(granted[i]),
                master.rsp.valid.eq(answered[i]),
                master.rsp.data.eq(Mux(conditional, Cat(failed, C(0, 31), failed), words[source])),
            ]
        if self.harts:
            self._reserve(m, requests, numbers, granted, winners, succeeds)
        return m

    def _reserve(self, m, requests, numbers, granted, winners, succeeds):
        """Add the harts' reservations: they see what is granted, and decide what succeeds."""
        m.submodules.reservations = reservations = Reservations(
            harts=self.harts,
            masters=self.masters,
            banks=self.config.banks,
            row_bits=self.config.row_bits,
        )
        for i, hart in enumerate(reservations.hart):
            op = self.master[i].req.payload.op
            m.d.comb += [
                hart.word.half.eq(requests[i].strobe[4]),
                hart.word.row.eq(requests[i].row),
                hart.word.bank.eq(numbers[i]),
                hart.reserve.eq(granted[i] & (op == TcdmOp.LR)),
                hart.release.eq(granted[i] & (op == TcdmOp.SC)),
                succeeds[i].eq(hart.held),
            ]
        for bank, write, winner in zip(self.bank, reservations.bank, winners, strict=True):
            request = bank.request
            with m.If(bank.valid & ((request.op == TcdmOp.STORE) | is_amo(request.op))):
                m.d.comb += write.halves.eq(Cat(request.strobe[:4].any(), request.strobe[4:].any()))
            m.d.comb += [write.row.eq(request.row), write.master.eq(winner)]


def _fill(items):
    """Make an array whose every index has an element, so that its multiplexer is complete."""
    return Array(items + items[-1:] * (-len(items) % (1 << ceil_log2(len(items)))))
