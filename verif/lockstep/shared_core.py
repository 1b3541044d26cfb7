"""One core's Verilog for all harts: converted, translated and compiled once."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.core.core import Core
from hw.verilog import to_verilog

NAME = "lockstep_core"


def core_verilog(core: Core) -> str:
    """The module that every `SharedCore` is an instance of."""
    return to_verilog(core, name=NAME)


class SharedCore(wiring.Component):
    """A core with its trace port, as an instance of the module of `core_verilog`.

    Parameters
    ----------
    signature
        Of the core that was converted; the members are its.
    """

    def __init__(self, signature: wiring.Signature):
        super().__init__(signature)

    def elaborate(self, platform):
        m = Module()
        ports = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for path, member, value in self.signature.flatten(self):
            direction = "i" if member.flow is In else "o"
            ports[f"{direction}_{'__'.join(map(str, path))}"] = value
        m.submodules.core = Instance(NAME, **ports)
        return m
