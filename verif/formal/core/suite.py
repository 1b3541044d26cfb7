"""The proofs of the core: which property, on which core, how far, and the bugs that each finds."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from hw.config import CORE_GROUPS
from hw.core.align import LoadAlign
from hw.core.core import Core
from hw.core.csr import Csrs
from hw.core.exceptions import Exceptions
from hw.core.execute import Execute
from hw.core.fetch import Fetch
from hw.core.late import LateResults
from hw.core.lsu import Lsu
from hw.core.trace import Trace
from hw.core.units.alu import Alu
from verif.formal.core import checks
from verif.formal.core.environment import CoreBench, configuration
from verif.formal.core.solver import hold, reach, refute
from verif.formal.core.spec import GROUPS
from verif.formal.harness import ProofError, mutated

_ELABORATION = Lock()  # classes are replaced by name meanwhile


@dataclass(frozen=True)
class Planted:
    """A piece of a component's source and what takes its place: a bug that must be found.

    `fails` is in the name of the property that finds it, `user` the module with its user.
    """

    fails: str
    component: type
    old: str
    new: str
    user: str = "hw.core.core"

    @property
    def classes(self) -> dict[str, type]:
        # Its module's other classes stay what the rest of the core knows.
        module = inspect.getmodule(self.component)
        others = {
            name: kind
            for name, kind in vars(module).items()
            if inspect.isclass(kind)
            and kind.__module__ == module.__name__
            and kind is not self.component
        }
        broken = mutated(self.component, self.old, self.new, **others)
        return {f"{self.user}.{self.component.__name__}": broken}


@dataclass(frozen=True)
class Proof:
    """A set of properties and the core that they are shown for.

    Parameters
    ----------
    name
        Of the proof.
    properties
        Adds them to a bench.
    depth
        Cycle after reset in which they are asked for; what went before is free.
    reaches
        Cycles in which every cover is reached.
    groups
        Extensions of the core.
    options
        Of `CoreBench`.
    bugs
        What the properties must find.
    """

    name: str
    properties: Callable[[CoreBench], None]
    depth: int
    reaches: int
    groups: tuple[str, ...] = ("m",)
    options: dict[str, bool] = field(default_factory=dict)
    bugs: tuple[Planted, ...] = ()

    def bench(self, using: dict[str, type] | None = None) -> CoreBench:
        with _ELABORATION:
            made = CoreBench(configuration(*self.groups), using=using, **self.options)
        self.properties(made)
        return made

    def steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Name and do what there is to run: the proof, its covers, its bugs."""
        yield self.name, lambda: hold(self.bench(), self.name, depth=self.depth)
        yield f"{self.name}: covers", lambda: reach(self.bench(), self.name, depth=self.reaches)
        for bug in self.bugs:
            yield f"{self.name}: a bug of {bug.component.__name__}", partial(self._find, bug)

    def _find(self, bug):
        found = refute(self.bench(bug.classes), f"{self.name}-bug", depth=self.depth)
        if not any(bug.fails in name for name in found.failed):
            raise ProofError(f"{self.name}: {bug.fails} should fail, but {found.failed} does")
        return found


def _instructions(group, depth, reaches, *bugs, **options):
    return Proof(
        group,
        partial(checks.instructions, names=GROUPS[group]),
        depth,
        reaches,
        options=options,
        bugs=bugs,
    )


INTERRUPTS = {"interrupts": True}

PROOFS = (
    Proof(
        "order",
        checks.order,
        9,
        12,
        bugs=(
            Planted(
                "order_counts",
                Trace,
                "order.eq(order + done)",
                "order.eq(order + (done & ~self.rvfi.trap))",
            ),
        ),
    ),
    Proof(
        "chain",
        checks.chain,
        9,
        12,
        options={"interrupts": True, "errors": True},
        bugs=(
            Planted("starts_where_the_last_led", Fetch, "held.eq(0)", "held.eq(held)"),
            Planted(
                "starts_where_the_last_led",
                Fetch,
                "waiting.eq(req.payload)",
                "waiting.eq(Mux(asked, req.payload, waiting))",
            ),
            Planted(
                "starts_where_the_last_led", Fetch, "slots[0].eq(slots[1])", "slots[0].eq(slots[0])"
            ),
        ),
    ),
    Proof(
        "program",
        checks.program,
        8,
        12,
        options={"errors": True},
        bugs=(
            Planted(
                "_is_memorys",
                Fetch,
                "Mux(held != 0, slots[0], arrived)",
                "Mux(held == 1, slots[0], arrived)",
            ),
        ),
    ),
    Proof(
        "registers",
        checks.registers,
        9,
        10,
        bugs=(
            Planted(
                "rs2_reads_what_was_written",
                Core,
                "(registers.rd == source)",
                "(registers.rd == rs1)",
            ),
            Planted(
                "_reads_what_was_written",
                LateResults,
                "starts | self.quotient | self.load",
                "starts | self.load",
            ),
            Planted(
                "_reads_what_was_written",
                Core,
                "control.writes_rd & late.pending.bit_select(rd, 1)",
                "0",
            ),
            Planted(
                "_reads_what_was_written",
                Core,
                "starts.eq(x_ready & ~trace_full & ~exceptions.raised & ~interrupted)",
                "starts.eq(x_ready & ~trace_full & ~interrupted)",
            ),
        ),
    ),
    Proof(
        "writes",
        checks.writes,
        8,
        10,
        groups=("m", "xcv_mem"),
        bugs=(
            Planted(
                "two_registers",
                Core,
                "control.post & (unit(Unit.STORE) | (rd != rs1))",
                "control.post",
            ),
        ),
    ),
    Proof(
        "accesses",
        checks.accesses,
        8,
        14,
        options={"data_errors": False},
        bugs=(
            Planted("has_its_bytes", Lsu, "strobes[0].eq(strobes[1])", "strobes[0].eq(strobes[0])"),
            Planted(
                "one_bus_at_a_time",
                Lsu,
                "blocking & ~pending & (waits == 0) & ~answering",
                "blocking & ~pending & ~answering",
            ),
        ),
    ),
    Proof(
        "buses",
        checks.buses,
        9,
        10,
        options=INTERRUPTS,
        bugs=(
            Planted(
                "device_request_stays",
                Core,
                "begun.eq(x_holds & (begun | lsu.busy | self.sleeping))",
                "begun.eq(0)",
            ),
        ),
    ),
    Proof(
        "traps",
        checks.traps,
        7,
        12,
        options=INTERRUPTS,
        bugs=(
            Planted("reads_csr_343", Csrs, "tval.eq(request.value)", "tval.eq(0)"),
            Planted(
                "exceptions_lead_to_their_handler",
                Csrs,
                "Mux(vectored & request.interrupt, vector, base)",
                "Mux(vectored, vector, base)",
            ),
        ),
    ),
    Proof(
        "loops",
        checks.loops,
        8,
        12,
        groups=("xcv_hwlp",),
        options=INTERRUPTS,
        bugs=(
            Planted(
                "loops_lead_back",
                Fetch,
                "count.eq(Mux(restart, loop.count, ahead))",
                "count.eq(loop.count)",
            ),
        ),
    ),
    Proof("chain-all", checks.chain, 8, 12, groups=CORE_GROUPS, options=INTERRUPTS),
    Proof(
        "registers-all",
        checks.registers,
        8,
        10,
        groups=CORE_GROUPS,
        bugs=(
            Planted(
                "rs3_reads_what_was_written",
                Core,
                "Mux(x_holds, rd, decoded.insn[7:12])",
                "decoded.insn[7:12]",
            ),
        ),
    ),
    Proof("writes-all", checks.writes, 8, 10, groups=CORE_GROUPS),
    Proof(
        "illegal",
        checks.illegal,
        6,
        8,
        bugs=(
            Planted(
                "no_instruction_is_refused",
                Exceptions,
                "~control.legal | bad_csr",
                "bad_csr",
            ),
        ),
    ),
    _instructions(
        "register",
        7,
        8,
        Planted("_does_what_it_should", Alu, "& a[31]", "& a[30]", user="hw.core.execute"),
        alu=True,
    ),
    _instructions("immediate", 7, 8, alu=True),
    _instructions(
        "jump",
        7,
        8,
        Planted(
            "_does_what_it_should",
            Execute,
            "Mux(control.op[2], alu.less, alu.equal) ^ control.op[0]",
            "Mux(control.op[2], alu.less, alu.equal)",
        ),
        alu=True,
    ),
    _instructions(
        "load",
        7,
        10,
        Planted(
            "_does_what_it_should", LoadAlign, "signed & low[15]", "low[15]", user="hw.core.lsu"
        ),
    ),
    _instructions(
        "store",
        7,
        10,
        Planted(
            "_does_what_it_should",
            Core,
            "exceptions.misaligned.eq(lsu.misaligned)",
            "exceptions.misaligned.eq(0)",
        ),
    ),
    _instructions("multiply", 8, 10),
    _instructions("system", 7, 10, **INTERRUPTS),
)
"""Everything that `make formal-core` does, cheap and general properties first."""
