"""A whole cluster: cores, attention engine, scratchpad, event unit and host devices."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.engine import Engine
from hw.cluster.core_port import CorePort
from hw.cluster.data_arbiter import DataArbiter
from hw.cluster.device_bus import DeviceBus
from hw.cluster.events import EventUnit
from hw.cluster.fetch_port import FetchPort
from hw.cluster.memory_atomics import MemoryAtomics
from hw.common.register_bank import RegisterBank
from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE, ClusterConfig, ConfigError
from hw.core.bus import DataSignature, FetchSignature
from hw.core.core import Core
from hw.core.rvfi import RvfiSignature
from hw.regmap import HOST
from hw.tcdm.tcdm import Tcdm


class Strobe(wiring.Signature):
    """A value handed over in the one cycle in which `valid` is high; never held back."""

    def __init__(self, width):
        self._width = width
        super().__init__({"valid": Out(1), "data": Out(width)})

    def __eq__(self, other):
        return isinstance(other, Strobe) and other._width == self._width

    def __repr__(self):
        return f"Strobe({self._width})"


class HartMonitor(wiring.Signature):
    """What a test top sees of a hart: its stores, its program counter, how it fails.

    Members
    -------
    store, address, data : Out; memory takes a whole-word store in this cycle
    pc : Out(32); address of the instruction that the hart retired last, or 0
    sleeping : Out(1)
    trap : Out(1); a trap is taken in this cycle whose handler lies in no memory
    trap_cause : Out(6); bit 5 for an interrupt, the others as in `mcause`
    trap_pc, trap_insn, trap_value : Out(32); where, which instruction, and what `mtval` gets
    """

    def __init__(self):
        super().__init__(
            {
                "store": Out(1),
                "address": Out(32),
                "data": Out(32),
                "pc": Out(32),
                "sleeping": Out(1),
                "trap": Out(1),
                "trap_cause": Out(6),
                "trap_pc": Out(32),
                "trap_insn": Out(32),
                "trap_value": Out(32),
            }
        )

    def __eq__(self, other):
        return isinstance(other, HartMonitor)

    def __repr__(self):
        return "HartMonitor()"


class Cluster(wiring.Component):
    """Cores, engine, TCDM, event unit and host devices, joined.

    Every hart reaches TCDM through a port of its own; main memory, the engine's registers and the
    host devices are shared round robin, one access at a time. Harts fetch from main memory
    through `fetch`, or from TCDM.

    Parameters
    ----------
    config : ClusterConfig
    monitored : bool
        Whether the member `monitor` is there, for simulation tops.
    rvfi : bool
        Whether the member `rvfi` is there.

    Members
    -------
    start : In(harts); bit h starts hart h at `boot_address`
    boot_address : In(32)
    fetch : Out(FetchSignature).array(harts)
    memory : Out(DataSignature); main memory, loads and stores
    console, exit, mailbox : Out(Strobe); words that programs hand to the host
    monitor : Out(HartMonitor).array(harts)
    rvfi : Out(RvfiSignature).array(harts)

    Timing
    ------
    A load of TCDM answers one cycle after it is taken, of a device likewise, of main memory as
    `memory` does.

    Raises
    ------
    ConfigError
        When the TCDM reaches into the addresses of the devices.
    """

    def __init__(self, *, config: ClusterConfig, monitored=False, rvfi=False):
        room = DEVICE_BASE - TCDM_BASE
        if config.tcdm.bytes > room:
            raise ConfigError(
                f"tcdm.banks * tcdm.bank_bytes is {config.tcdm.bytes}, but a cluster's devices "
                f"leave it {room} bytes"
            )
        self._config = config
        self._monitored = monitored
        self._rvfi = rvfi
        members = {
            "start": In(config.harts),
            "boot_address": In(32),
            "fetch": Out(FetchSignature()).array(config.harts),
            "memory": Out(DataSignature()),
            "console": Out(Strobe(8)),
            "exit": Out(Strobe(32)),
            "mailbox": Out(Strobe(32)),
        }
        if monitored:
            members["monitor"] = Out(HartMonitor()).array(config.harts)
        if rvfi:
            members["rvfi"] = Out(RvfiSignature()).array(config.harts)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config = self._config
        masters = config.harts + config.engine.ports
        m.submodules.tcdm = tcdm = Tcdm(config=config.tcdm, masters=masters, harts=config.harts)
        m.submodules.engine = engine = Engine(config=config)
        m.submodules.events = events = EventUnit(harts=config.harts)
        m.submodules.devices = devices = DeviceBus(harts=config.harts)
        m.submodules.memory_arbiter = memory = DataArbiter(harts=config.harts)
        m.submodules.atomics = atomics = MemoryAtomics(harts=config.harts)
        m.submodules.host = host = RegisterBank(HOST)

        connect(m, memory.port, atomics.port)
        connect(m, atomics.memory, flipped(self.memory))
        connect(m, devices.engine, engine.regs)
        connect(m, devices.host, host.bus)
        for index, port in enumerate(engine.port):
            connect(m, port, tcdm.master[config.harts + index])
        m.d.comb += [
            atomics.hart.eq(memory.owner),
            events.start.eq(self.start),
            events.engine.valid.eq(engine.event.valid),
            events.engine.mask.eq(engine.event.mask),
        ]
        for register in HOST.registers:
            strobe = getattr(self, register.name)
            m.d.comb += [
                strobe.valid.eq(getattr(host, f"{register.name}_write")),
                strobe.data.eq(getattr(host, f"{register.name}_data")),
            ]

        for hart in range(config.harts):
            m.submodules[f"core_{hart}"] = core = Core(config=config, rvfi=self._rvfi)
            m.submodules[f"port_{hart}"] = port = CorePort(config=config)
            m.submodules[f"fetch_{hart}"] = fetch = FetchPort(config=config)
            connect(m, core.data, port.core)
            connect(m, core.fetch, fetch.core)
            connect(m, fetch.memory, flipped(self.fetch[hart]))
            connect(m, core.tcdm, fetch.data)
            connect(m, fetch.tcdm, tcdm.master[hart])
            connect(m, port.events, events.port[hart])
            connect(m, port.devices, devices.hart[hart])
            connect(m, port.memory, memory.hart[hart])
            connect(m, core.interrupts, events.interrupts[hart])
            m.d.comb += [
                core.start.eq(self.start[hart]),
                core.boot_address.eq(self.boot_address),
                core.hart_id.eq(hart),
            ]
            if self._monitored:
                self._watch(m, core, self.monitor[hart])
            if self._rvfi:
                connect(m, core.rvfi, flipped(self.rvfi[hart]))
        return m

    def _watch(self, m, core, monitor):
        seen = core.monitor
        tcdm_bits = self._config.tcdm.addr_width
        main_bits = self._config.main_bytes.bit_length() - 1
        handled = (seen.vector[tcdm_bits:] == TCDM_BASE >> tcdm_bits) | (
            seen.vector[main_bits:] == MAIN_BASE >> main_bits
        )
        m.d.comb += [
            monitor.store.eq(seen.store),
            monitor.address.eq(seen.address),
            monitor.data.eq(seen.data),
            monitor.sleeping.eq(core.sleeping),
            monitor.trap.eq(seen.trap & ~handled),
            monitor.trap_cause.eq(seen.cause),
            monitor.trap_pc.eq(seen.pc),
            monitor.trap_insn.eq(seen.insn),
            monitor.trap_value.eq(seen.value),
        ]
        with m.If(seen.retired):
            m.d.sync += monitor.pc.eq(seen.pc)
