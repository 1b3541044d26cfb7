"""The core under examination, and what is assumed of everything around it."""

from contextlib import ExitStack
from unittest.mock import patch

from amaranth.hdl import Signal

from hw.config import ClusterConfig, CoreConfig, TcdmConfig
from hw.core.core import Core
from verif.formal.core import alternatives
from verif.formal.harness import Bench

TRACE_DEPTH = 4
"""Instructions that may be under way or wait for an older one's result."""

ONE_CYCLE = ("XAlu", "Bitmanip", "Simd", "Dot", "Requantise")


def configuration(*groups: str) -> ClusterConfig:
    """A small cluster whose cores have these extensions."""
    return ClusterConfig(
        name="formal",
        tcdm=TcdmConfig(banks=2, bank_bytes=2048),
        core=CoreConfig.of(*groups, event_counters=0),
        main_bytes=1 << 20,
    )


class CoreBench(Bench):
    """A core with its trace port, started at once, between buses that keep their rules.

    Fetch and TCDM answer one cycle after each request that they take; devices and main memory take
    any number of cycles. They take requests when they like and answer what they like. Arithmetic
    units are those of `alternatives`.

    Parameters
    ----------
    config
        What the core is made for.
    alu
        Whether the ALU is the core's own; else it is an alternative too.
    interrupts
        Whether interrupts may come, at any time and for any time.
    errors
        Whether fetches may fail.
    data_errors
        Whether devices and main memory may answer with an error.
    using
        Classes in place of others, by where they are used: `{"hw.core.core.Lsu": Broken}`.
    """

    def __init__(
        self,
        config: ClusterConfig,
        *,
        alu: bool = False,
        interrupts: bool = False,
        errors: bool = False,
        data_errors: bool = True,
        using: dict[str, type] | None = None,
    ):
        self.config = config
        using = using or {}
        core_class = using.get("hw.core.core.Core", Core)
        self.core = core = core_class(config=config, rvfi=True, trace_depth=TRACE_DEPTH)
        self.rvfi = core.rvfi
        with _replaced(using, alu):
            super().__init__(core, driven=("start", "boot_address", "hart_id"))
        self.boot_address = self.symbol(32, name="boot_address")
        self.m.d.comb += [
            core.start.eq(1),
            core.boot_address.eq(self.boot_address),
            core.hart_id.eq(self.symbol(32, name="hart_id")),
        ]
        self.assume(self.boot_address[:2] == 0)
        if not interrupts:
            levels = core.interrupts
            self.assume(~(levels.software | levels.timer | levels.external))
        if not errors:
            self.assume(~core.fetch.rsp.error)
        if not data_errors:
            self.assume(~core.data.rsp.error)
        self._keep_rules()

    def _keep_rules(self):
        """Assume that memories answer once what they took, and nothing else."""
        core = self.core
        for bus in (core.fetch, core.tcdm):
            self.assume(bus.rsp.valid == self.past(bus.req.valid & bus.req.ready))
        self.data_outstanding = Signal()
        with self.m.If(core.data.req.valid & core.data.req.ready):
            self.m.d.sync += self.data_outstanding.eq(1)
        with self.m.Elif(core.data.rsp.valid):
            self.m.d.sync += self.data_outstanding.eq(0)
        self.assume(self.data_outstanding | ~core.data.rsp.valid)


def _replaced(using, alu):
    """Put classes in their places while the core is elaborated."""
    from hw.core import execute

    classes = {
        "hw.core.execute.Multiplier": alternatives.AlternativeMultiplier,
        "hw.core.execute.Divider": alternatives.AlternativeDivider,
    }
    if not alu:
        classes["hw.core.execute.Alu"] = alternatives.AlternativeAlu
    for name in ONE_CYCLE:
        classes[f"hw.core.execute.{name}"] = alternatives.mixing(getattr(execute, name))
    stack = ExitStack()
    for place, kind in (classes | using).items():
        stack.enter_context(patch(place, kind))
    return stack
