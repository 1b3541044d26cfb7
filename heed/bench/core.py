"""Cycles of one core on plain RV32IM programs: on the RTL, and as the simulator estimates them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from heed.bench.core_hazards import Hazards, count_hazards
from heed.bench.core_programs import Program
from heed.bench.page import renewed
from heed.errors import HeedError
from heed.simulator import Simulator
from heed.simulator.iss import IssSimulator
from heed.simulator.result import RunResult
from hw.config import ClusterConfig
from hw.core.types import CoreEvent

Progress = Callable[[str], None]
PASSES = (
    (CoreEvent.OPERAND_WAIT, CoreEvent.FETCH_WAIT, CoreEvent.MEMORY_WAIT, CoreEvent.UNIT_WAIT),
    (CoreEvent.REDIRECT, CoreEvent.LOAD, CoreEvent.STORE, CoreEvent.TCDM_REFUSED),
)
"""What the four event counters count in each pass of `firmware/bench/measure.c`."""
WAITS = PASSES[0]
ERROR_LIMIT = 0.05
"""How far the simulator's estimate may be from the RTL."""


@dataclass(frozen=True)
class Counts:
    """What a target's counters say of the work: cycles, instructions, and each event."""

    cycles: int
    instructions: int
    events: dict[str, int]

    @classmethod
    def of(cls, result: RunResult) -> "Counts":
        """Read them from the mailbox of `firmware/bench/measure.c`.

        Raises
        ------
        HeedError
            The results are wrong, or the two passes took different times.
        """
        if result.status:
            how = str(result.trap or "the results are wrong")
            raise HeedError(f"exit status {result.status}: {how}")
        words = [word for _, word in result.mailbox]
        size = 2 + len(WAITS)
        passes = [words[begin : begin + size] for begin in range(0, len(words), size)]
        if passes[0][:2] != passes[1][:2]:
            raise HeedError(f"the second pass differs: {passes[0][:2]}, then {passes[1][:2]}")
        cycles, instructions = passes[0][:2]
        events = {
            event.name.lower(): count
            for names, counts in zip(PASSES, passes, strict=True)
            for event, count in zip(names, counts[2:], strict=True)
        }
        return cls(cycles, instructions, events)


@dataclass(frozen=True)
class Row:
    """What was measured of a program.

    Parameters
    ----------
    name, preset
        The program with its sizes, and the configuration.
    cycles, instructions, events
        By the RTL's own counters; events by the names of `CoreEvent`.
    hazards
        How often the instructions executed ask for a penalty.
    estimate
        Cycles by the instruction-set simulator's own counter.
    """

    name: str
    preset: str
    cycles: int
    instructions: int
    events: dict[str, int]
    hazards: Hazards
    estimate: int

    @property
    def per_instruction(self) -> float:
        return self.cycles / self.instructions

    @property
    def quotient_wait(self) -> int:
        """Operand waits that no load and no product explains: for quotients."""
        hazards = self.hazards
        return self.events["operand_wait"] - hazards.load_use - hazards.product_use

    @property
    def error(self) -> float:
        """Of the estimate, relative to the RTL."""
        return self.estimate / self.cycles - 1

    def as_dict(self) -> dict:
        """Return it as plain values, derived ones too."""
        derived = ("per_instruction", "quotient_wait", "error")
        return asdict(self) | {name: getattr(self, name) for name in derived}


def measure(program: Program, config: ClusterConfig, progress: Progress) -> Row:
    """Run a program on both targets, alone on hart 0.

    Raises
    ------
    HeedError
        Results are wrong, the counters do not explain every cycle, a penalty is not what it
        should be, or the estimate is too far off.
    """
    bits = ", ".join(
        "{" + ", ".join(f"1u << {int(event)}" for event in events) + "}" for events in PASSES
    )
    elf = program.elf(config, "measure", {"EVENTS": "{" + bits + "}"})
    simulator = Simulator.build(config, progress=progress)
    iss = IssSimulator(config)
    progress(f"{config.name}: {program}")
    try:
        counts = Counts.of(simulator.run(elf))
        estimated = Counts.of(iss.run(elf))
        row = Row(
            name=str(program),
            preset=config.name,
            cycles=counts.cycles,
            instructions=counts.instructions,
            events=counts.events,
            hazards=count_hazards(iss, elf),
            estimate=estimated.cycles,
        )
        if counts.instructions != estimated.instructions:
            raise HeedError(
                f"{counts.instructions} instructions on the RTL, {estimated.instructions} on the "
                "simulator"
            )
        check(row)
    except HeedError as error:
        raise HeedError(f"{program} on {config.name}: {error.message}") from None
    return row


def check(row: Row) -> None:
    """Compare a row's numbers with each other.

    Every cycle is an instruction or one kind of wait. A load or product used by the next
    instruction costs one cycle, and so does a taken branch or jump. Without divisions nothing else
    does, and no access to the scratchpad waits.

    Raises
    ------
    HeedError
        One of that is not so.
    """
    events, hazards = row.events, row.hazards
    explained = row.instructions + sum(events[event.name.lower()] for event in WAITS)
    lost = events["operand_wait"] - hazards.load_use - hazards.product_use
    problems = {
        f"{explained} cycles explained, but {row.cycles} counted": explained != row.cycles,
        f"{events['fetch_wait']} cycles lost for {events['redirect']} taken branches and jumps": (
            events["fetch_wait"] != events["redirect"]
        ),
        f"{events['redirect']} redirects, but the program has {hazards.taken}": (
            events["redirect"] != hazards.taken
        ),
        f"{lost} operand waits too many": lost < 0 or (lost > 0 and not hazards.divisions),
        f"{events['unit_wait']} waits for the divider": (
            events["unit_wait"] > 0 and not hazards.divisions
        ),
        f"{events['memory_wait']} waits for memory": events["memory_wait"] > 0,
        f"the estimate of {row.estimate} cycles is {row.error:+.1%} off {row.cycles}": (
            abs(row.error) > ERROR_LIMIT
        ),
    }
    found = [text for text, wrong in problems.items() if wrong]
    if found:
        raise HeedError("; ".join(found))


HEADINGS = (
    *("program", "instructions", "cycles", "CPI", "load used", "product used", "quotient"),
    *("taken", "divider", "memory", "estimate", "error"),
)


def texts(row: Row) -> list[str]:
    """Return the cells of a row under HEADINGS; the penalties in cycles."""
    cycles = (
        row.hazards.load_use,
        row.hazards.product_use,
        row.quotient_wait,
        row.events["fetch_wait"],
        row.events["unit_wait"],
        row.events["memory_wait"],
        row.estimate,
    )
    return [
        row.name,
        f"{row.instructions:,}",
        f"{row.cycles:,}",
        f"{row.per_instruction:.3f}",
        *(f"{count:,}" for count in cycles),
        f"{row.error:+.2%}",
    ]


MARK = "<!-- Written by `heed bench core`: -->"
"""Line of a page below which the measured table stands."""


def page(old: str, rows: list[Row]) -> str:
    """Return a page with the rows in the place of what is below MARK.

    Raises
    ------
    HeedError
        There is no such line.
    """
    return renewed(old, MARK, HEADINGS, map(texts, rows))
