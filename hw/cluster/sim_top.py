"""The top that programs run on in simulation: a cluster, its main memory, and how a run ends."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from hw.cluster.cluster import Cluster
from hw.cluster.main_memory import MainMemory
from hw.config import ClusterConfig

RESET_CYCLES = 4


class SimTop(wiring.Component):
    """A cluster with main memory, watched for output and for the end of the run.

    A run ends by a store of a value with bit 0 set, whole word, by any hart, to `tohost_address`
    or to the exit register. `notify` is high in every cycle that brings output or the end, so that
    a simulator's main loop looks at one signal a cycle.

    Everything but the clock is registered on its way in, and the reset comes from within: Verilator
    evaluates whatever depends combinationally on an input at every call, and that would be the
    next state of all registers.

    Parameters
    ----------
    config : ClusterConfig

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
    pc : Out(32 * harts); address of the instruction that each hart retired last, or 0
    sleeping : Out(harts)

    Timing
    ------
    In reset for the first RESET_CYCLES cycles. Inputs act one cycle later; outputs are
    combinational in the cycle in which a bus takes the store.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
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
                "pc": Out(32 * config.harts),
                "sleeping": Out(config.harts),
            }
        )

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
        m.submodules.cluster = cluster = Cluster(config=self._config, monitored=True)
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
            self.notify.eq(self.console_valid | self.mailbox_valid | self.exit_valid),
        ]
        for hart in cluster.monitor:
            with m.If(hart.store & hart.data[0] & (hart.address == tohost_address)):
                m.d.comb += [self.exit_valid.eq(1), self.exit_data.eq(hart.data)]
        return m
