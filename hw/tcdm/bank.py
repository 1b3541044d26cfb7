"""One TCDM bank and the port that the crossbar drives it with."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.common.ram import Ram
from hw.config import TcdmConfig
from hw.tcdm.amo import Amo, is_amo
from hw.tcdm.bus import TcdmOp


class BankRequest(data.StructLayout):
    """Layout of what a bank is asked: like a TCDM request, but with the row in the bank."""

    def __init__(self, config: TcdmConfig):
        super().__init__({"data": 64, "strobe": 8, "op": TcdmOp, "row": config.row_bits})


class BankSignature(wiring.Signature):
    """A bank's port, from the crossbar's side. Banks take a request in every cycle but busy ones.

    Members
    -------
    valid : Out; there is a request, never while `busy`
    request : Out; BankRequest
    busy : In; the bank writes what an AMO of the cycle before made of its word
    rdata : In; the word at `row`, one cycle after a request that reads
    """

    def __init__(self, config: TcdmConfig):
        self._config = config
        super().__init__(
            {
                "valid": Out(1),
                "request": Out(BankRequest(config)),
                "busy": In(1),
                "rdata": In(64),
            }
        )

    def __eq__(self, other):
        return isinstance(other, BankSignature) and other._config == self._config

    def __repr__(self):
        return f"BankSignature({self._config!r})"


class Bank(wiring.Component):
    """One bank: a single-port RAM of 64-bit words, and the arithmetic of atomics.

    STORE writes the strobed bytes. LOAD reads the word, and so do LR and SC: the crossbar knows the
    reservations and asks for a STORE when an SC succeeds. An AMO reads the word, and in the next
    cycle writes its result to one 32-bit half: the upper one when strobe 4 is set (then the strobes
    should be 0xF0), else the lower one (0x0F). Its operand is the same half of the data.

    Parameters
    ----------
    config : TcdmConfig
        The scratchpad that the bank is part of.

    Members
    -------
    port : In(BankSignature)

    Timing
    ------
    `port.rdata` holds the word one cycle after a read, until the next one: for an AMO the word
    before it. One request a cycle, but none in the cycle after an AMO: `port.busy`, a register, is
    high then. A store or AMO is seen by every later request.
    """

    def __init__(self, *, config: TcdmConfig):
        self.config = config
        self.ram = Ram(depth=config.bank_depth)
        super().__init__({"port": In(BankSignature(config))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = self.ram
        m.submodules.amo = amo = Amo()
        request = self.port.request
        begins = Signal()
        row = Signal(self.config.row_bits)
        upper = Signal()
        m.d.comb += [
            begins.eq(self.port.valid & is_amo(request.op)),
            ram.en.eq(self.port.valid | self.port.busy),
            ram.we.eq(request.op == TcdmOp.STORE),
            ram.addr.eq(request.row),
            ram.wdata.eq(request.data),
            ram.strobe.eq(request.strobe),
            self.port.rdata.eq(ram.rdata),
        ]
        m.d.sync += self.port.busy.eq(begins)
        with m.If(begins):
            m.d.sync += [
                amo.op.eq(request.op),
                amo.operand.eq(Mux(request.strobe[4], request.data[32:], request.data[:32])),
                row.eq(request.row),
                upper.eq(request.strobe[4]),
            ]
        with m.If(self.port.busy):
            m.d.comb += [
                amo.old.eq(Mux(upper, ram.rdata[32:], ram.rdata[:32])),
                ram.we.eq(1),
                ram.addr.eq(row),
                ram.wdata.eq(amo.result.replicate(2)),
                ram.strobe.eq(Mux(upper, 0xF0, 0x0F)),
            ]
        return m
