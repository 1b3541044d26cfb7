"""Crossbar between TCDM masters and banks."""

from functools import reduce
from operator import or_

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from hw.config import TcdmConfig
from hw.tcdm.arbiter import RoundRobinArbiter
from hw.tcdm.bank import BankRequest, BankSignature
from hw.tcdm.bus import TcdmSignature
from hw.tcdm.hash import bank_and_row


class Crossbar(wiring.Component):
    """Connects any number of masters with the banks; one winner a bank a cycle, round-robin.

    A request goes to the bank that the hash of its address names. Requests to different banks
    never wait for one another.

    Parameters
    ----------
    config : TcdmConfig
        The scratchpad.
    masters : int
        Number of masters, at least 1.

    Members
    -------
    master : In(TcdmSignature) for each master
    bank : Out(BankSignature) for each bank

    Timing
    ------
    A request is granted in the cycle in which it is made when nobody else asks for its bank,
    else after at most `masters - 1` cycles. `req.ready` of a master depends combinationally on
    the requests of all masters, and a bank's request likewise. The response comes exactly one
    cycle after the grant; its data is the word read, and means nothing after a store.

    Raises
    ------
    ValueError
        When `masters` is out of range.
    """

    def __init__(self, *, config: TcdmConfig, masters):
        if not isinstance(masters, int) or masters < 1:
            raise ValueError(f"masters is {masters!r}, but must be an integer of 1 or more")
        self.config = config
        self.masters = masters
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
            requests.append(request)
            numbers.append(number)
            targets.append(target)

        grants = []
        for i, bank in enumerate(self.bank):
            m.submodules[f"arbiter_{i}"] = arbiter = RoundRobinArbiter(requests=self.masters)
            m.d.comb += [
                arbiter.request.eq(Cat(target[i] for target in targets)),
                bank.valid.eq(arbiter.request.any()),
                bank.request.eq(_fill(requests)[arbiter.winner]),
            ]
            grants.append(arbiter.grant)

        granted = Signal(self.masters)
        answered = Signal(self.masters)
        m.d.comb += granted.eq(reduce(or_, grants))  # a master asks one bank at a time
        m.d.sync += answered.eq(granted)
        words = Array(bank.rdata for bank in self.bank)
        for i, master in enumerate(self.master):
            source = Signal(self.config.bank_bits, name=f"source_{i}")
            m.d.sync += source.eq(numbers[i])
            m.d.comb += [
                master.req.ready.eq(granted[i]),
                master.rsp.valid.eq(answered[i]),
                master.rsp.data.eq(words[source]),
            ]
        return m


def _fill(items):
    """Make an array whose every index has an element, so that its multiplexer is complete."""
    return Array(items + items[-1:] * (-len(items) % (1 << ceil_log2(len(items)))))
