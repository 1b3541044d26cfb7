"""The attention engine."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.control.completion import Event
from hw.attention.control.control import Control
from hw.attention.control.counters import Counters
from hw.attention.pipeline import Pipeline
from hw.attention.streams.port import Port
from hw.common.register_bank import RegisterBank
from hw.common.register_bus import RegisterSignature
from hw.config import ClusterConfig
from hw.regmap import DESCRIPTOR_VERSION, ENGINE, ENGINE_MAGIC
from hw.tcdm.bus import TcdmSignature


class Engine(wiring.Component):
    """Runs jobs that descriptors in the TCDM describe; see `regmap.Kind`.

    Registers (`regmap.ENGINE`) take doorbells and a soft clear and show the state; everything
    else goes through the ports. `docs/reference/engine.md` has the life of a job.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    port : Out(TcdmSignature) for each of `config.engine.ports`
    regs : In(RegisterSignature)
    event : Out(Event), one cycle for each job that ended
    busy : Out; a job runs or waits

    Timing
    ------
    Ports: see `Port`; requests come from registers, and ports do not wait for each other.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        signature = TcdmSignature(addr_width=config.tcdm.addr_width)
        super().__init__(
            {
                "port": Out(signature).array(config.engine.ports),
                "regs": In(RegisterSignature()),
                "event": Out(Event()),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, engine = self._config, self._config.engine
        m.submodules.registers = registers = RegisterBank(ENGINE)
        m.submodules.control = control = Control(config=config)
        pipeline = Pipeline(config=config)
        m.submodules.pipeline = ResetInserter(control.reset)(pipeline)
        ports = [Port(config=config) for _ in range(engine.ports)]
        for number, (port, side) in enumerate(zip(ports, pipeline.port, strict=True)):
            m.submodules[f"port_{number}"] = port
            connect(m, side.read, port.read)
            connect(m, port.data, side.data)
            connect(m, side.write, port.write)
            connect(m, port.bus, flipped(self.port[number]))
            m.d.comb += [
                side.pending.eq(port.pending),
                side.performed.eq(port.performed),
                side.load.eq(port.load),
                port.clear.eq(control.reset),
            ]
        connect(m, control.job, pipeline.job)
        connect(m, pipeline.ended, control.ended)
        connect(m, control.command, pipeline.command)
        connect(m, pipeline.row, control.row)
        connect(m, control.word, pipeline.word)
        connect(m, control.event, flipped(self.event))
        connect(m, flipped(self.regs), registers.bus)
        m.d.comb += [
            control.performed.eq(pipeline.performed),
            control.words_done.eq(pipeline.words_done),
            control.quiet.eq(~Cat(port.active for port in ports).any()),
            control.doorbell.eq(registers.doorbell_write),
            control.doorbell_data.eq(registers.doorbell_data),
            control.clear.eq(registers.clear_write & registers.clear_data[0]),
            registers.id.eq(DESCRIPTOR_VERSION | ENGINE_MAGIC << 16),
            registers.sizes.eq(
                Cat(
                    Const(value, 8)
                    for value in (engine.units, engine.lanes, engine.ports, engine.queue_depth)
                )
            ),
            registers.config_hash.eq(config.hash),
            registers.state.eq(
                Cat(control.busy, control.halted, control.overflow, Const(0, 5), control.free)
            ),
            registers.error.eq(control.error),
            registers.error_address.eq(control.error_address),
            registers.jobs.eq(control.jobs),
            self.busy.eq(control.busy),
        ]
        self._count(m, registers, control, pipeline, ports)
        return m

    def _count(self, m, registers, control, pipeline, ports):
        """Join the counters with what they count and with their registers."""
        m.submodules.counters = counters = Counters(config=self._config.engine)
        connect(m, pipeline.activity, counters.activity)
        m.d.comb += [
            counters.busy.eq(control.busy),
            counters.granted_read.eq(Cat(port.granted_read for port in ports)),
            counters.granted_write.eq(Cat(port.performed for port in ports)),
            counters.port_refused.eq(Cat(port.refused for port in ports)),
            counters.clear.eq(registers.count_clear_write & registers.count_clear_data[0]),
            *(
                getattr(registers, f"count_{name}").eq(getattr(counters, f"count_{name}"))
                for name in ("busy", "active", "read", "written", "refused")
            ),
            *(
                register.eq(count)
                for register, count in zip(registers.count_stall, counters.count_stall, strict=True)
            ),
        ]
