"""One TCDM bank and the port that the crossbar drives it with."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.common.ram import Ram
from hw.config import TcdmConfig
from hw.tcdm.bus import TcdmOp


class BankRequest(data.StructLayout):
    """Layout of what a bank is asked: like a TCDM request, but with the row in the bank."""

    def __init__(self, config: TcdmConfig):
        super().__init__({"data": 64, "strobe": 8, "op": TcdmOp, "row": config.row_bits})


class BankSignature(wiring.Signature):
    """A bank's port, from the crossbar's side. Banks take a request in every cycle.

    Members
    -------
    valid : Out; there is a request
    request : Out; BankRequest
    rdata : In; the word at `row`, one cycle after a request that reads
    """

    def __init__(self, config: TcdmConfig):
        self._config = config
        super().__init__({"valid": Out(1), "request": Out(BankRequest(config)), "rdata": In(64)})

    def __eq__(self, other):
        return isinstance(other, BankSignature) and other._config == self._config

    def __repr__(self):
        return f"BankSignature({self._config!r})"


class Bank(wiring.Component):
    """One bank: a single-port RAM of 64-bit words.

    STORE writes the strobed bytes, LOAD reads the word. The atomics (LR, SC, AMO) are not
    executed yet: each of them reads the word like LOAD and writes nothing, so that its master
    gets its response and nothing hangs.

    Parameters
    ----------
    config : TcdmConfig
        The scratchpad that the bank is part of.

    Members
    -------
    port : In(BankSignature)

    Timing
    ------
    `port.rdata` holds the word one cycle after a read, until the next one. A store is seen by
    every later request. One request a cycle.
    """

    def __init__(self, *, config: TcdmConfig):
        self.config = config
        self.ram = Ram(depth=config.bank_depth)
        super().__init__({"port": In(BankSignature(config))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = self.ram
        request = self.port.request
        m.d.comb += [
            ram.en.eq(self.port.valid),
            ram.we.eq(request.op == TcdmOp.STORE),
            ram.addr.eq(request.row),
            ram.wdata.eq(request.data),
            ram.strobe.eq(request.strobe),
            self.port.rdata.eq(ram.rdata),
        ]
        return m
