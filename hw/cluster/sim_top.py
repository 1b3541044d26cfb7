"""The top that programs run on in simulation: a cluster, its main memory, and how a run ends."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from hw.cluster.cluster import Cluster
from hw.cluster.main_memory import MainMemory
from hw.config import ClusterConfig
from hw.core.rvfi import EXTRA, MEMBERS

RESET_CYCLES = 4
_SHOWN = {name: width for name, width in MEMBERS.items() if name != "valid"} | {
    f"heed_{name}": width for name, width in EXTRA.items()
}


class SimTop(wiring.Component):
    """A cluster with main memory, watched for output and for the end of the run.

    A run ends by a store of a value with bit 0 set, whole word, by any hart, to `tohost_address`
    or to the exit register; or by a trap whose handler lies in no memory. `notify` is high in every
    cycle that brings output or the end: a simulator's main loop looks at one signal a cycle.

    Everything but the clock is registered on its way in, and the reset comes from within: Verilator
    evaluates whatever depends combinationally on an input at every call, and that would be the
    next state of all registers.

    Parameters
    ----------
    config : ClusterConfig
    rvfi : bool
        Whether the trace ports of the harts are there.

    Members
    -------
    clk : In
    start : In(harts); bit h starts hart h at `boot_address`
    boot_address : In(32)
    tohost_address : In(32); any odd address for none
    notify : Out; one of the valids below is high
    console_valid, console_data : Out; a byte for the terminal
    mailbox_valid, mailbox_data : Out; a word for the host
    exit_valid, exit_data : Out; the run ends with this value
    trap_valid : Out; a hart takes a trap that nothing handles, the lowest one of several is told
    trap_hart, trap_cause, trap_pc, trap_insn, trap_value : Out; that hart, the cause (bit 5: an
        interrupt), the instruction's address and word, what `mtval` gets
    pc : Out(32 * harts); address of the instruction that each hart retired last, or 0
    sleeping : Out(harts)
    rvfi_valid : Out(harts), rvfi_<hart>_<name> : Out; every hart's trace port, when asked for

    Timing
    ------
    In reset for the first RESET_CYCLES cycles. Inputs act one cycle later; outputs are
    combinational in the cycle in which a bus takes the store.
    """

    def __init__(self, *, config: ClusterConfig, rvfi=False):
        self._config = config
        self._rvfi = rvfi
        members = {
            "clk": In(1),
            "start": In(config.harts),
            "boot_address": In(32),
            "tohost_address": In(32),
            "notify": Out(1),
            "console_valid": Out(1),
            "console_data": Out(8),
            "mailbox_valid": Out(1),
            "mailbox_data": Out(32),
            "exit_valid": Out(1),
            "exit_data": Out(32),
            "trap_valid": Out(1),
            "trap_hart": Out(range(config.harts)),
            "trap_cause": Out(6),
            "trap_pc": Out(32),
            "trap_insn": Out(32),
            "trap_value": Out(32),
            "pc": Out(32 * config.harts),
            "sleeping": Out(config.harts),
        }
        if rvfi:
            members["rvfi_valid"] = Out(config.harts)
            for hart in range(config.harts):
                for name, width in _SHOWN.items():
                    members[f"rvfi_{hart}_{name}"] = Out(width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.domains.power_on = ClockDomain(reset_less=True, local=True)
        m.domains.sync = ClockDomain()
        resetting = Signal(RESET_CYCLES, init=-1)
        tohost_address = Signal(32)
        m.d.power_on += resetting.eq(resetting >> 1)
        m.d.comb += [
            ClockSignal("power_on").eq(self.clk),
            ClockSignal("sync").eq(self.clk),
            ResetSignal("sync").eq(resetting[0]),
        ]
        m.submodules.cluster = cluster = Cluster(
            config=self._config, monitored=True, rvfi=self._rvfi
        )
        m.submodules.main_memory = memory = MainMemory(config=self._config)
        connect(m, cluster.memory, memory.data)
        for outer, inner in zip(cluster.fetch, memory.fetch, strict=True):
            connect(m, outer, inner)
        m.d.sync += [
            cluster.start.eq(self.start),
            cluster.boot_address.eq(self.boot_address),
            tohost_address.eq(self.tohost_address),
        ]
        m.d.comb += [
            self.console_valid.eq(cluster.console.valid),
            self.console_data.eq(cluster.console.data),
            self.mailbox_valid.eq(cluster.mailbox.valid),
            self.mailbox_data.eq(cluster.mailbox.data),
            self.pc.eq(Cat(hart.pc for hart in cluster.monitor)),
            self.sleeping.eq(Cat(hart.sleeping for hart in cluster.monitor)),
            self.exit_valid.eq(cluster.exit.valid & cluster.exit.data[0]),
            self.exit_data.eq(cluster.exit.data),
            self.trap_valid.eq(Cat(hart.trap for hart in cluster.monitor).any()),
            self.notify.eq(
                self.console_valid | self.mailbox_valid | self.exit_valid | self.trap_valid
            ),
        ]
        for hart in cluster.monitor:
            with m.If(hart.store & hart.data[0] & (hart.address == tohost_address)):
                m.d.comb += [self.exit_valid.eq(1), self.exit_data.eq(hart.data)]
        for number, hart in reversed(list(enumerate(cluster.monitor))):
            with m.If(hart.trap):
                m.d.comb += [
                    self.trap_hart.eq(number),
                    self.trap_cause.eq(hart.trap_cause),
                    self.trap_pc.eq(hart.trap_pc),
                    self.trap_insn.eq(hart.trap_insn),
                    self.trap_value.eq(hart.trap_value),
                ]
        if self._rvfi:
            m.d.comb += self.rvfi_valid.eq(Cat(port.valid for port in cluster.rvfi))
            for hart, port in enumerate(cluster.rvfi):
                for name in _SHOWN:
                    m.d.comb += getattr(self, f"rvfi_{hart}_{name}").eq(getattr(port, name))
        return m
