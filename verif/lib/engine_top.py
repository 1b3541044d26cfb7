"""The engine on a scratchpad that refuses at random: the top of its block tests."""

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.control.control import Event
from hw.attention.engine import Engine
from hw.common.register_bus import RegisterSignature
from hw.config import ClusterConfig
from hw.tcdm.bus import TcdmOp
from hw.tcdm.tcdm import Tcdm

GRANT_ALWAYS = 256
RESET_CYCLES = 4


class EngineTop(wiring.Component):
    """An `Engine` whose ports are the only masters of a `Tcdm`, with random refusals between.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    clk : In; the reset comes from within, for the first RESET_CYCLES cycles
    regs : In(RegisterSignature)
    event : Out(Event)
    busy : Out
    cycle : Out(32), cycles since reset
    grant : In(9); 256ths of the probability with which a port is let through in a cycle
    violation : Out; since reset, a request was changed or withdrawn, or is no load or store
    """

    def __init__(self, *, config: ClusterConfig):
        self.config = config
        super().__init__(
            {
                "clk": In(1),
                "regs": In(RegisterSignature()),
                "event": Out(Event()),
                "busy": Out(1),
                "cycle": Out(32),
                "grant": In(9, init=GRANT_ALWAYS),
                "violation": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ports = self.config.engine.ports
        m.submodules.engine = engine = Engine(config=self.config)
        m.submodules.tcdm = tcdm = Tcdm(config=self.config.tcdm, masters=ports)
        connect(m, flipped(self.regs), engine.regs)
        connect(m, flipped(self.event), engine.event)
        m.d.comb += self.busy.eq(engine.busy)
        # What comes from a port would be evaluated again at each call, with all that depends on it:
        # in the case of a reset port that is the next state of every register.
        m.domains.power_on = ClockDomain(reset_less=True, local=True)
        m.domains.sync = ClockDomain()
        resetting = Signal(RESET_CYCLES, init=-1)
        m.d.power_on += resetting.eq(resetting >> 1)
        m.d.comb += [
            ClockSignal("power_on").eq(self.clk),
            ClockSignal("sync").eq(self.clk),
            ResetSignal("sync").eq(resetting[0]),
        ]
        grant = Signal.like(self.grant)
        m.d.sync += [self.cycle.eq(self.cycle + 1), grant.eq(self.grant)]
        for n, (port, master) in enumerate(zip(engine.port, tcdm.master, strict=True)):
            open_ = Signal(name=f"open_{n}")
            m.d.comb += [
                open_.eq(self._random(m, n) < grant),
                master.req.payload.eq(port.req.payload),
                master.req.valid.eq(port.req.valid & open_),
                port.req.ready.eq(master.req.ready & open_),
                port.rsp.valid.eq(master.rsp.valid),
                port.rsp.data.eq(master.rsp.data),
            ]
            self._watch(m, n, port.req)
        return m

    def _random(self, m, n):
        """Return eight bits of a xorshift generator of port n."""
        state = Signal(32, init=0x9E3779B9 * (n + 1) % (1 << 32), name=f"random_{n}")
        mixed = state
        for step, name in ((13, "a"), (-17, "b"), (5, "c")):
            following = Signal(32, name=f"random_{n}{name}")
            m.d.comb += following.eq(mixed ^ (mixed << step if step > 0 else mixed >> -step))
            mixed = following
        m.d.sync += state.eq(mixed)
        return state[8:16]

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
