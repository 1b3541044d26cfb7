"""The machine of the lockstep runs: harts with TCDM, main memory and event unit, no engine."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from hw.bench.throttle import GRANT_ALWAYS, Throttle
from hw.cluster.core_port import CorePort
from hw.cluster.data_arbiter import DataArbiter
from hw.cluster.events import EventUnit
from hw.cluster.fetch_port import FetchPort
from hw.cluster.main_memory import MainMemory
from hw.cluster.memory_atomics import MemoryAtomics
from hw.config import ClusterConfig
from hw.core.rvfi import EXTRA, MEMBERS
from hw.tcdm.tcdm import Tcdm
from verif.lockstep.disturb import DataStall, FetchStall, RandomInterrupts
from verif.lockstep.shared_core import SharedCore

RECORD = {name: width for name, width in MEMBERS.items()} | {
    f"heed_{name}": width for name, width in EXTRA.items()
}
"""Members of the trace port, and their widths."""


def record_port(hart: int, name: str) -> str:
    """Name of the top's port that shows a member of a hart's trace port."""
    return f"hart{hart}_{name}"


class LockstepTop(wiring.Component):
    """Harts on a small cluster without engine, disturbed at random, with their trace ports.

    Every access to a device other than the event unit is answered with an error. All inputs are
    registered, the reset too, which is what makes the Verilated model fast.

    Parameters
    ----------
    config : ClusterConfig
    core : wiring.Signature
        Of the core, see `SharedCore`.

    Members
    -------
    clk, reset : In
    start : In(harts)
    boot_address : In(32)
    grant : In(9); 256ths of the probability that a TCDM request gets through in a cycle
    stall : In(8); the same that fetches from main memory, and accesses to it, wait
    interrupts : In(16); 65536ths of the probability that interrupts are raised in a cycle
    levels : Out(3 * harts); software, timer and external interrupt of each hart
    refused : Out(harts); a TCDM request of that hart waits in this cycle
    sleeping : Out(harts)
    hart<h>_<member> : Out; the trace port of hart h
    """

    def __init__(self, *, config: ClusterConfig, core: wiring.Signature):
        self._config = config
        self._core = core
        harts = config.harts
        members = {
            "clk": In(1),
            "reset": In(1),
            "start": In(harts),
            "boot_address": In(32),
            "grant": In(range(GRANT_ALWAYS + 1)),
            "stall": In(8),
            "interrupts": In(16),
            "levels": Out(3 * harts),
            "refused": Out(harts),
            "sleeping": Out(harts),
        }
        for hart in range(harts):
            for name, width in RECORD.items():
                members[record_port(hart, name)] = Out(width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config, harts = self._config, self._config.harts
        m.domains.power_on = ClockDomain(reset_less=True, local=True)
        m.domains.sync = ClockDomain()
        resetting = Signal(init=1)
        m.d.power_on += resetting.eq(self.reset)
        m.d.comb += [
            ClockSignal("power_on").eq(self.clk),
            ClockSignal("sync").eq(self.clk),
            ResetSignal("sync").eq(resetting),
        ]
        start = Signal(harts)
        boot_address = Signal(32)
        grant = Signal(range(GRANT_ALWAYS + 1))
        stall = Signal(8)
        rate = Signal(16)
        for inner, outer in (
            (start, self.start),
            (boot_address, self.boot_address),
            (grant, self.grant),
            (stall, self.stall),
            (rate, self.interrupts),
        ):
            m.d.sync += inner.eq(outer)

        m.submodules.tcdm = tcdm = Tcdm(config=config.tcdm, masters=harts, harts=harts)
        m.submodules.events = events = EventUnit(harts=harts)
        m.submodules.arbiter = arbiter = DataArbiter(harts=harts)
        m.submodules.atomics = atomics = MemoryAtomics(harts=harts)
        m.submodules.main_stall = main_stall = DataStall(number=40)
        m.submodules.main_memory = memory = MainMemory(config=config)
        connect(m, arbiter.port, atomics.port)
        connect(m, atomics.memory, main_stall.port)
        connect(m, main_stall.bus, memory.data)
        m.d.comb += [
            atomics.hart.eq(arbiter.owner),
            main_stall.stall.eq(stall),
            events.start.eq(start),
        ]
        for hart in range(harts):
            m.submodules[f"core_{hart}"] = core = SharedCore(self._core)
            m.submodules[f"port_{hart}"] = port = CorePort(config=config)
            m.submodules[f"fetch_{hart}"] = fetch = FetchPort(config=config)
            m.submodules[f"throttle_{hart}"] = throttle = Throttle(
                addr_width=config.tcdm.addr_width, number=hart
            )
            m.submodules[f"stall_{hart}"] = fetch_stall = FetchStall(number=20 + hart)
            m.submodules[f"interrupts_{hart}"] = raised = RandomInterrupts(number=60 + hart)
            connect(m, core.data, port.core)
            connect(m, core.fetch, fetch.core)
            connect(m, core.tcdm, fetch.data)
            connect(m, fetch.tcdm, throttle.port)
            connect(m, throttle.bus, tcdm.master[hart])
            connect(m, fetch.memory, fetch_stall.port)
            connect(m, fetch_stall.bus, memory.fetch[hart])
            connect(m, port.events, events.port[hart])
            connect(m, port.memory, arbiter.hart[hart])
            connect(m, events.interrupts[hart], raised.real)
            connect(m, raised.levels, core.interrupts)
            levels = raised.levels
            m.d.comb += [
                core.start.eq(start[hart]),
                core.boot_address.eq(boot_address),
                core.hart_id.eq(hart),
                throttle.grant.eq(grant),
                fetch_stall.stall.eq(stall),
                raised.rate.eq(rate),
                port.devices.req.ready.eq(1),
                port.devices.rsp.error.eq(1),
                self.levels.word_select(hart, 3).eq(
                    Cat(levels.software, levels.timer, levels.external)
                ),
                self.refused[hart].eq(core.tcdm.req.valid & ~core.tcdm.req.ready),
                self.sleeping[hart].eq(core.sleeping),
            ]
            m.d.sync += port.devices.rsp.valid.eq(port.devices.req.valid)
            for name in RECORD:
                m.d.comb += getattr(self, record_port(hart, name)).eq(getattr(core.rvfi, name))
        return m
