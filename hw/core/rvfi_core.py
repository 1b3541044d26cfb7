"""A core whose trace port has the flat names that checkers of the RISC-V Formal Interface use."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect, flipped

from hw.config import ClusterConfig
from hw.core.core import Core
from hw.core.rvfi import EXTRA, MEMBERS


class RvfiCore(wiring.Component):
    """`Core` with its trace port as `rvfi_valid`, `rvfi_order`, ..., `heed_rvfi_rs3_addr`, ...

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    rvfi_* : Out, the names and widths of `hw.core.rvfi.MEMBERS`
    heed_rvfi_* : Out, those of `hw.core.rvfi.EXTRA`
    All others are `Core`'s.

    Timing
    ------
    That of `Core`; nothing is added.
    """

    def __init__(self, *, config: ClusterConfig):
        self._core = Core(config=config, rvfi=True)
        members = dict(self._core.signature.members.items())
        del members["rvfi"]
        self._passed = tuple(members)
        members |= {f"rvfi_{name}": Out(width) for name, width in MEMBERS.items()}
        members |= {f"heed_rvfi_{name}": Out(width) for name, width in EXTRA.items()}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self._core
        for name in self._passed:
            member = self.signature.members[name]
            inner, outer = getattr(core, name), getattr(self, name)
            if member.is_signature:
                connect(m, inner, flipped(outer))
            elif member.flow is Out:
                m.d.comb += outer.eq(inner)
            else:
                m.d.comb += inner.eq(outer)
        for name in MEMBERS:
            m.d.comb += getattr(self, f"rvfi_{name}").eq(getattr(core.rvfi, name))
        for name in EXTRA:
            m.d.comb += getattr(self, f"heed_rvfi_{name}").eq(getattr(core.rvfi, f"heed_{name}"))
        return m
