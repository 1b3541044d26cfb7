"""The core's small ports: interrupts and what simulation tops watch."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out


class InterruptSignature(wiring.Signature):
    """Machine interrupts, from the side that raises them.

    Members
    -------
    software, timer, external : Out(1), levels
    """

    def __init__(self):
        super().__init__({"software": Out(1), "timer": Out(1), "external": Out(1)})

    def __eq__(self, other):
        return isinstance(other, InterruptSignature)

    def __repr__(self):
        return "InterruptSignature()"


class MonitorSignature(wiring.Signature):
    """What simulation tops see of a core, from the core's side. Nothing of it is needed to run.

    Members
    -------
    store, address, data : Out; memory takes a store of a whole word in this cycle
    retired, pc, insn : Out; an instruction retires, or with `trap` does not; which
    trap, cause, value : Out; a trap is taken: bit 5 of the cause for an interrupt, and `mtval`
    vector : Out(32), where the trap is handled
    """

    def __init__(self):
        super().__init__(
            {
                "store": Out(1),
                "address": Out(32),
                "data": Out(32),
                "retired": Out(1),
                "pc": Out(32),
                "insn": Out(32),
                "trap": Out(1),
                "cause": Out(6),
                "value": Out(32),
                "vector": Out(32),
            }
        )

    def __eq__(self, other):
        return isinstance(other, MonitorSignature)

    def __repr__(self):
        return "MonitorSignature()"
