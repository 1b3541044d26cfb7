"""All conformance programs of a core."""

import random
from collections.abc import Callable, Iterator

from hw.config import CORE_GROUPS, TCDM_BASE, CoreConfig
from sw_model.isa.row import Row
from sw_model.isa.table import TABLE
from verif.conformance import atomics, computed, csrs, illegal, interrupts, jumps, loops, memory
from verif.conformance.builder import Builder
from verif.conformance.program import Program

PART = 40
"""Instructions of one group that share a program."""


def programs(core: CoreConfig | None = None) -> list[Program]:
    """Return the programs for a core: of what it has, and that what it has not is illegal.

    They are the same in every call. Each runs on one hart of any cluster with 64 KiB of TCDM and
    1 MiB of main memory.
    """
    return list(_programs(core or CoreConfig()))


def _programs(core: CoreConfig) -> Iterator[Program]:
    groups = {"i", *core.groups}
    rows = [row for row in TABLE if row.group in groups]
    for group in sorted(groups):
        yield from _computed(group, [row for row in rows if row.group == group and row.compute])
    few = [row for row in rows if row.compute and row.name in _IN_TCDM]
    yield from _computed("tcdm", few, base=TCDM_BASE + 0x1000)
    for group in ("i", "xcv_mem"):
        accesses = [row for row in rows if row.group == group and _is_access(row)]
        for half, part in enumerate(
            (accesses[: len(accesses) // 2], accesses[len(accesses) // 2 :])
        ):
            if part:
                name = f"memory_{group}_{half}"
                yield _program(name, lambda b, rng, part=part: memory.accesses(b, part, rng))
    parts: dict[str, Callable[[Builder, random.Random], None]] = {
        "branches": lambda b, rng: jumps.branches(b),
        "jumps": lambda b, rng: jumps.jumps(b),
        "csr_registers": lambda b, rng: csrs.registers(b, loops=core.xcv_hwlp),
        "csr_values": lambda b, rng: csrs.values(
            b, event_counters=core.event_counters, misa=0x40000100 | core.m << 12 | core.a
        ),
        "counters": lambda b, rng: csrs.counters(b),
        "interrupts": lambda b, rng: interrupts.interrupts(b),
        "environment": lambda b, rng: illegal.environment(b),
        "illegal": lambda b, rng: illegal.words(b, rng, core),
    }
    if core.a:
        parts["amos"] = atomics.amos
        parts["reservations"] = lambda b, rng: atomics.reservations(b)
        parts["atomic_traps"] = lambda b, rng: atomics.traps(b)
    if core.xcv_bi:
        parts["immediate_branches"] = lambda b, rng: jumps.immediate_branches(b)
    if core.xcv_hwlp:
        for part in (loops.single, loops.nested, loops.same_end, loops.registers):
            parts[f"loops_{part.__name__}"] = lambda b, rng, part=part: part(b)
        parts["loops_jumps"] = lambda b, rng: loops.jumps(b)
        if core.m:
            parts["loops_last_instructions"] = lambda b, rng: loops.last_instructions(b)
    if core.groups != CORE_GROUPS:
        parts["absent"] = lambda b, rng: illegal.absent(b, core)
    for name, part in parts.items():
        yield _program(name, part)


_IN_TCDM = ("add", "sub", "sra", "slti", "mul", "divu", "cv.min", "cv.mac", "cv.sdotsp.b")
"""Instructions that are also tried with code, operands and signature in TCDM."""


def _is_access(row: Row) -> bool:
    return row.name.removeprefix("cv.")[:2] in ("lb", "lh", "lw", "sb", "sh", "sw")


def _program(name: str, part: Callable[[Builder, random.Random], None], **options) -> Program:
    builder = Builder(name, **options)
    part(builder, random.Random(name))
    return builder.program()


def _computed(group: str, rows: list[Row], **options) -> Iterator[Program]:
    for first in range(0, len(rows), PART):
        part = rows[first : first + PART]

        def add(builder, rng, part=part):
            for row in part:
                computed.add(builder, row, rng)

        yield _program(f"computed_{group}_{first // PART}", add, **options)
