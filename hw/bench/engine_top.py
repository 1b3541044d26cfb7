"""The engine on a scratchpad of its own: the top of its tests and benches in Verilator."""

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.control.completion import Event
from hw.attention.engine import Engine
from hw.bench.throttle import GRANT_ALWAYS, Throttle
from hw.bench.traffic import COUNT_BITS, Traffic
from hw.common.register_bus import RegisterRequest, RegisterSignature
from hw.config import ClusterConfig
from hw.tcdm.bus import TcdmOp
from hw.tcdm.tcdm import Tcdm

RESET_CYCLES = 4


class EngineTop(wiring.Component):
    """An `Engine` and a `Tcdm`, with random refusals between, and other masters if asked for.

    The engine's ports are the first masters of the scratchpad; no other master is refused at
    random.

    Parameters
    ----------
    config : ClusterConfig
        Its TCDM may be larger than a cluster's.
    traffic : bool
        Whether a `Traffic` shares the scratchpad; silent until it is enabled.

    Members
    -------
    clk : In; the reset comes from within, for the first RESET_CYCLES cycles
    regs : In(RegisterSignature)
    event : Out(Event)
    busy : Out
    cycle : Out(32), cycles since reset
    grant : In(9); 256ths of the probability with which a port is let through in a cycle
    violation : Out; since reset, a request was changed or withdrawn, or is no load or store
    enable : In; `traffic` only, as are the following: the other masters ask
    dma_granted, core_granted, dma_wait, core_wait : Out(32); see `Traffic`

    Timing
    ------
    A request on `regs` reaches the engine one cycle later, and its response comes two cycles
    after it; always ready. `grant` and `enable` act one cycle later.
    """

    def __init__(self, *, config: ClusterConfig, traffic=False):
        self.config = config
        self.traffic = None
        members = {
            "clk": In(1),
            "regs": In(RegisterSignature()),
            "event": Out(Event()),
            "busy": Out(1),
            "cycle": Out(32),
            "grant": In(9, init=GRANT_ALWAYS),
            "violation": Out(1),
        }
        if traffic:
            self.traffic = Traffic(config=config, number=config.engine.ports)
            members["enable"] = In(1)
            for name in ("dma_granted", "core_granted", "dma_wait", "core_wait"):
                members[name] = Out(COUNT_BITS)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        # What comes from an input would be evaluated again at each call, with all that depends on
        # it: in the case of the reset that is the next state of every register.
        m.domains.power_on = ClockDomain(reset_less=True, local=True)
        m.domains.sync = ClockDomain()
        resetting = Signal(RESET_CYCLES, init=-1)
        m.d.power_on += resetting.eq(resetting >> 1)
        m.d.comb += [
            ClockSignal("power_on").eq(self.clk),
            ClockSignal("sync").eq(self.clk),
            ResetSignal("sync").eq(resetting[0]),
        ]
        m.submodules.engine = engine = Engine(config=self.config)
        ports = list(engine.port)
        masters = len(ports) + (len(self.traffic.bus) if self.traffic else 0)
        m.submodules.tcdm = tcdm = Tcdm(config=self.config.tcdm, masters=masters)
        self._connect_registers(m, engine.regs)
        connect(m, flipped(self.event), engine.event)
        grant = Signal.like(self.grant)
        m.d.sync += [self.cycle.eq(self.cycle + 1), grant.eq(self.grant)]
        m.d.comb += self.busy.eq(engine.busy)
        for n, port in enumerate(ports):
            throttle = Throttle(addr_width=self.config.tcdm.addr_width, number=n)
            m.submodules[f"throttle_{n}"] = throttle
            m.d.comb += throttle.grant.eq(grant)
            connect(m, port, throttle.port)
            connect(m, throttle.bus, tcdm.master[n])
            self._watch(m, n, port.req)
        if self.traffic:
            self._connect_traffic(m, tcdm.master[len(ports) :])
        return m

    def _connect_registers(self, m, regs):
        """Connect the engine's registers, requests through a register."""
        valid, payload = Signal(), Signal(RegisterRequest())
        m.d.sync += [valid.eq(self.regs.req.valid), payload.eq(self.regs.req.payload)]
        m.d.comb += [
            regs.req.valid.eq(valid),
            regs.req.payload.eq(payload),
            self.regs.req.ready.eq(1),
            self.regs.rsp.valid.eq(regs.rsp.valid),
            self.regs.rsp.data.eq(regs.rsp.data),
            self.regs.rsp.error.eq(regs.rsp.error),
        ]

    def _connect_traffic(self, m, masters):
        m.submodules.traffic = traffic = self.traffic
        m.d.sync += traffic.enable.eq(self.enable)
        m.d.comb += [
            self.dma_granted.eq(traffic.dma_granted),
            self.core_granted.eq(traffic.core_granted),
            self.dma_wait.eq(traffic.dma_wait),
            self.core_wait.eq(traffic.core_wait),
        ]
        for bus, master in zip(traffic.bus, masters, strict=True):
            connect(m, bus, master)

    def _watch(self, m, n, request):
        """Set `violation` when a request breaks the rules of the bus."""
        payload = request.payload.as_value()
        last = Signal(len(payload), name=f"last_{n}")
        refused = Signal(name=f"refused_{n}")
        m.d.sync += refused.eq(request.valid & ~request.ready)
        with m.If(request.valid):
            m.d.sync += last.eq(payload)
        op = request.payload.op
        bad_op = (op != TcdmOp.LOAD) & (op != TcdmOp.STORE)
        changed = refused & (~request.valid | (payload != last))
        with m.If((request.valid & bad_op) | changed):
            m.d.sync += self.violation.eq(1)
