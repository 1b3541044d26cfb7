"""The scoreboard's checks can fail: each broken scratchpad is caught, by the rule it breaks."""

import pytest
from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped

from hw.common.ram import Ram
from hw.config import TcdmConfig
from hw.tcdm.arbiter import RoundRobinArbiter
from hw.tcdm.bank import Bank
from hw.tcdm.bus import TcdmOp
from hw.tcdm.crossbar import Crossbar
from hw.tcdm.reservations import Reservations
from hw.tcdm.tcdm import Tcdm
from verif.lib.planted import plant
from verif.lib.tcdm_scoreboard import Request, Scoreboard
from verif.unit.tcdm.simulate import simulate

CONFIG = TcdmConfig(banks=16, bank_bytes=512)
MASTERS = 3


class FixedPriority(RoundRobinArbiter):
    """Serves the lowest number first, always."""

    def elaborate(self, platform):
        m = Module()
        for i in reversed(range(self.requests)):
            with m.If(self.request[i]):
                m.d.comb += [self.grant.eq(1 << i), self.winner.eq(i)]
        return m


class GrantsAll(FixedPriority):
    """Tells every requester that it is served."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.grant.eq(self.request)
        return m


class GrantsIdle(FixedPriority):
    """Grants number 0 when nobody asks."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If(self.request == 0):
            m.d.comb += self.grant.eq(1)
        return m


class StallsOnConflict(FixedPriority):
    """Serves nobody when two ask."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If((self.request & (self.request - 1)).any()):
            m.d.comb += self.grant.eq(0)
        return m


class WholeWords(Ram):
    """Writes all bytes, whatever the strobes say."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = Ram(depth=self.depth)
        self.data = inner.data
        for name in ("en", "we", "addr", "wdata"):
            m.d.comb += getattr(inner, name).eq(getattr(self, name))
        m.d.comb += [inner.strobe.eq(0xFF), self.rdata.eq(inner.rdata)]
        return m


class BrokenResponses(wiring.Component):
    """A scratchpad with something wrong in its responses."""

    def __init__(self, fault):
        self.fault = fault
        self.config = CONFIG
        self.tcdm = Tcdm(config=CONFIG, masters=MASTERS)
        self.harts = 0
        super().__init__({"master": In(self.tcdm.master[0].signature.flip()).array(MASTERS)})

    @property
    def banks(self):
        return self.tcdm.banks

    def elaborate(self, platform):
        m = Module()
        m.submodules.tcdm = self.tcdm
        inner = self.tcdm.master
        for i, outer in enumerate(self.master):
            connect(m, flipped(outer).req, inner[i].req)
            rsp = inner[i ^ 1 if self.fault == "swapped" and i < 2 else i].rsp
            if self.fault == "late":
                m.d.sync += [outer.rsp.valid.eq(rsp.valid), outer.rsp.data.eq(rsp.data)]
            elif self.fault == "loads only":
                op = Signal(TcdmOp)
                m.d.sync += op.eq(outer.req.payload.op)
                m.d.comb += outer.rsp.valid.eq(rsp.valid & (op != TcdmOp.STORE))
                m.d.comb += outer.rsp.data.eq(rsp.data)
            else:
                m.d.comb += [outer.rsp.valid.eq(rsp.valid), outer.rsp.data.eq(rsp.data)]
        return m


def no_hash(config, addr):
    word = addr[3:]
    return word[: config.bank_bits], word[config.bank_bits :]


@pytest.mark.parametrize(
    "target, broken, pattern, complaint",
    [
        (
            "crossbar.RoundRobinArbiter",
            FixedPriority,
            "hot_bank",
            "has waited for 3 cycles, more than 2",
        ),
        ("crossbar.RoundRobinArbiter", GrantsAll, "hot_bank", "granted bank 1 together with"),
        ("crossbar.RoundRobinArbiter", GrantsIdle, "bursty", "granted without a request"),
        ("crossbar.RoundRobinArbiter", StallsOnConflict, "hot_bank", "asked but grants nobody"),
        ("bank.Ram", WholeWords, "hot_words", "but memory has"),
        ("crossbar.bank_and_row", no_hash, "uniform", "together with|grants nobody"),
    ],
)
def test_broken_parts_are_caught(monkeypatch, target, broken, pattern, complaint):
    monkeypatch.setattr(f"hw.tcdm.{target}", broken)
    with pytest.raises(AssertionError, match=complaint):
        simulate(Tcdm(config=CONFIG, masters=MASTERS), pattern, cycles=300)


@pytest.mark.parametrize(
    "owner, name, right, wrong, complaint",
    [
        (Crossbar, "elaborate", "Mux(bank.busy, 0, Cat(", "Mux(0, 0, Cat(", "bank . in its AMO"),
        (
            Crossbar,
            "elaborate",
            "TcdmOp.STORE, TcdmOp.LOAD",
            "TcdmOp.LOAD, TcdmOp.LOAD",
            "memory has",
        ),
        (
            Crossbar,
            "elaborate",
            "TcdmOp.STORE, TcdmOp.LOAD",
            "TcdmOp.STORE, TcdmOp.STORE",
            "memory has",
        ),
        (Crossbar, "elaborate", "failed.eq(~succeeds[i])", "failed.eq(succeeds[i])", "but memory"),
        (Crossbar, "_reserve", "(request.op == TcdmOp.STORE) |", "", "but memory has"),
        (Crossbar, "_reserve", "| is_amo(request.op)", "", "but memory has"),
        (Crossbar, "_reserve", "write.master.eq(winner)", "write.master.eq(0)", "but memory has"),
        (Crossbar, "_reserve", "requests[i].strobe[4]", "0", "but memory has"),
        (Bank, "elaborate", "Mux(upper, 0xF0, 0x0F)", "0xFF", "but memory has"),
        (Bank, "elaborate", "ram.addr.eq(row)", "ram.addr.eq(0)", "but memory has"),
        (
            Bank,
            "elaborate",
            "amo.operand.eq(Mux(request.strobe[4],",
            "amo.operand.eq(Mux(0,",
            "memory has",
        ),
        (Reservations, "elaborate", "hart.release | broken", "hart.release", "but memory has"),
        (Reservations, "elaborate", "hart.release | broken", "broken", "but memory has"),
    ],
)
def test_broken_atomics_are_caught(monkeypatch, owner, name, right, wrong, complaint):
    plant(monkeypatch, owner, name, right, wrong)
    with pytest.raises(AssertionError, match=complaint):
        simulate(Tcdm(config=CONFIG, masters=MASTERS, harts=2), "atomics", cycles=600)


@pytest.mark.parametrize(
    "fault, complaint",
    [
        ("late", "gets no response one cycle after"),
        ("loads only", "gets no response one cycle after"),
        ("swapped", "gets (no|a) response"),
    ],
)
def test_broken_responses_are_caught(fault, complaint):
    with pytest.raises(AssertionError, match=complaint):
        simulate(BrokenResponses(fault), "bursty", cycles=300, seed=2)


def test_the_wrapper_itself_is_sound():
    simulate(BrokenResponses(None), "bursty", cycles=300)


def test_lost_and_missing_work_is_caught():
    """A response that never comes, and a run in which nothing happened."""
    board = Scoreboard(CONFIG, 2)
    board.cycle([Request(TcdmOp.LOAD, 8), None], ready=0b01, rsp_valid=0, rsp_data=0)
    with pytest.raises(AssertionError, match="master 0 is still owed a response"):
        board.finish()
    with pytest.raises(AssertionError, match="nothing was tested"):
        Scoreboard(CONFIG, 2).finish()
