"""What `heed area` says: one row a sub-block."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heed.area.design import Design, elaborate
from heed.area.synthesis import Netlist, synthesise
from heed.area.timing import Point, Timing

if TYPE_CHECKING:
    from amaranth.lib.wiring import Component

LIMIT = 60
"""Levels of two-input gates that no path between registers may exceed."""


@dataclass(frozen=True)
class Row:
    """A sub-block, all its instances together, with everything in them.

    Parameters
    ----------
    file : str
        Its source, below the folder of its package and without the ending.
    name : str
        Its class.
    instances : int
    cells : int
        Two-input gates, inverters among them.
    flip_flops, memory_bits : int
    levels : int
        Of the longest path that ends in it.
    path : tuple of Point
        That path, from its start to its end.
    """

    file: str
    name: str
    instances: int
    cells: int
    flip_flops: int
    memory_bits: int
    levels: int
    path: tuple[Point, ...]

    def as_dict(self) -> dict:
        """All of it as plain values."""
        return asdict(self)


def examine(
    component: "Component",
    name: str,
    folder: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Measure a component and every public component of the same package in it.

    Parameters
    ----------
    component : Component
        Used up.
    name : str
        What the component is called in paths that lead to its ports.
    folder : Path
        Where netlists are kept from one time to the next.
    progress : callable
        Called with a line of text now and then.

    Returns
    -------
    list of Row
        The component itself first, then by file.

    Raises
    ------
    HeedError
        When it cannot be synthesised, or gates form a loop.
    """
    progress(f"elaborating {name}")
    design = elaborate(component, name)
    netlists = synthesise(design.types, folder, progress)
    progress(f"counting levels of {name}")
    timing = Timing(design, netlists)
    return _rows(design, netlists, timing)


def _totals(netlist: Netlist) -> np.ndarray:
    bits = sum(memory.bits for memory in netlist.memories)
    return np.array([netlist.cells, len(netlist.register_d), bits], np.int64)


def _rows(design: Design, netlists: dict[str, Netlist], timing: Timing) -> list[Row]:
    instances = timing.instances
    totals = np.array([_totals(netlists[instance.kind]) for instance in instances])
    worst = np.full(len(instances), -1)
    ascending = np.argsort(timing.level, kind="stable")
    worst[timing.owner[ascending]] = ascending

    def level(end: int) -> int:
        return timing.level[end] if end >= 0 else -1

    for number in range(len(instances) - 1, 0, -1):
        parent = instances[number].parent
        totals[parent] += totals[number]
        if level(worst[number]) > level(worst[parent]):
            worst[parent] = worst[number]
    package = design.components[()][0].partition(".")[0] + "."
    groups = defaultdict(list)
    for number, instance in enumerate(instances):
        module, name = design.components.get(instance.path, ("", ""))
        if number == 0 or module.startswith(package) and not name.startswith("_"):
            groups[module, name].append(number)
    rows = []
    for (module, name), members in groups.items():
        cells, flip_flops, bits = (int(total) for total in totals[members].sum(axis=0))
        end = max(worst[members], key=level)
        path = tuple(timing.path(end)) if level(end) >= 0 else ()
        levels = path[-1].level if path else 0
        file = module.removeprefix(package).replace(".", "/")
        rows.append(Row(file, name, len(members), cells, flip_flops, bits, levels, path))
    return [rows[0], *sorted(rows[1:], key=lambda row: (row.file, row.name))]
