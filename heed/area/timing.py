"""Logic levels of every path between registers, across the whole hierarchy."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from heed.area.design import Design
from heed.area.design import Path as InstancePath
from heed.area.synthesis import Netlist
from heed.errors import HeedError

NEVER = -(1 << 20)
"""Level of a net that depends on constants only."""
SHOWN_NETS = 12


@dataclass
class Instance:
    """A module in the hierarchy: its path, type, parent (a number; the top has -1) and the number
    of its first net."""

    path: InstancePath
    kind: str
    parent: int
    base: int


@dataclass(frozen=True)
class Point:
    """A named net on a path, and its level."""

    net: str
    level: int


class _Graph:
    """Nets and arcs of all instances. Net 0 is every constant."""

    def __init__(self, design: Design, netlists: dict[str, Netlist]):
        self.design = design
        self.netlists = netlists
        self.instances: list[Instance] = []
        self.nets = 1
        self.arcs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.starts: list[tuple[np.ndarray, int]] = []
        self.ends: list[tuple[np.ndarray, np.ndarray, str, int]] = []
        ports = self._place((), design.top, -1)
        top = netlists[design.top]
        for name in top.inputs:
            self.starts.append((ports[name], 0))
        for name in top.outputs:
            self.ends.append((ports[name], ports[name], f"output {name}", 0))

    def _place(self, path: InstancePath, kind: str, parent: int) -> dict[str, np.ndarray]:
        netlist = self.netlists[kind]
        number, base = len(self.instances), self.nets
        self.instances.append(Instance(path, kind, parent, base))
        self.nets += netlist.nets
        table = np.append(np.arange(base, base + netlist.nets, dtype=np.int32), np.int32(0))
        for source in (netlist.gate_a, netlist.gate_b):
            self._join(table[source], table[netlist.gate_y], netlist.gate_levels)
        d, q = table[netlist.register_d], table[netlist.register_q]
        self.starts.append((q, 0))
        self.ends.append((d, q, "", number))
        for memory in netlist.memories:
            self.starts.append((table[memory.outputs], memory.bypass))
            inputs = table[memory.inputs]
            self.ends.append((inputs, inputs, f"memory {memory.name}", number))
        for name, pins in netlist.children.items():
            child = self.design.types[kind].children[name]
            inner = self._place((*path, name), child, number)
            for port, bits in pins.items():
                outer, own = table[bits], inner[port]
                if port in self.netlists[child].inputs:
                    self._join(outer, own)
                else:
                    self._join(own, outer)
        return {port: table[bits] for port, bits in (netlist.inputs | netlist.outputs).items()}

    def _join(self, source: np.ndarray, target: np.ndarray, levels: np.ndarray | None = None):
        real = (source > 0) & (target > 0)
        if levels is None:
            levels = np.zeros(len(source), np.int32)
        self.arcs.append((source[real], target[real], levels[real]))


class Timing:
    """Levels of all nets of a design.

    Parameters
    ----------
    design : Design
    netlists : dict of Netlist
        Of each of its types.

    Attributes
    ----------
    instances : list of Instance
        Parents before their children.
    level : array
        For each end of a path its level.
    owner : array
        For each end the number of the instance that has the register or memory.

    Raises
    ------
    HeedError
        When gates form a loop.
    """

    def __init__(self, design: Design, netlists: dict[str, Netlist]):
        graph = _Graph(design, netlists)
        self._netlists = netlists
        self.instances = graph.instances
        self._bases = np.array([instance.base for instance in self.instances])
        source, target, levels = map(np.concatenate, zip(*graph.arcs, strict=True))
        self._end_nets = np.concatenate([nets for nets, _, _, _ in graph.ends])
        self._end_names = np.concatenate([names for _, names, _, _ in graph.ends])
        sizes = [len(nets) for nets, _, _, _ in graph.ends]
        self._end_labels = [label for _, _, label, _ in graph.ends]
        self._end_groups = np.repeat(np.arange(len(sizes)), sizes)
        self.owner = np.repeat([owner for _, _, _, owner in graph.ends], sizes)
        self._by_target = np.argsort(target, kind="stable")
        self._target, self._source, self._levels = (
            array[self._by_target] for array in (target, source, levels)
        )
        self._arrival = self._propagate(graph, source, target, levels)
        self.level = self._arrival[self._end_nets]

    def _propagate(self, graph, source, target, levels) -> np.ndarray:
        """Level of each net: waves of nets all of whose predecessors are known."""
        order = np.argsort(source, kind="stable")
        source, target, levels = source[order], target[order], levels[order]
        first = np.searchsorted(source, np.arange(graph.nets + 1))
        open_arcs = np.bincount(target, minlength=graph.nets)
        arrival = np.full(graph.nets, NEVER, np.int32)
        for nets, level in graph.starts:
            arrival[nets] = level
        arrival[0] = NEVER
        front = np.flatnonzero(open_arcs == 0)
        while front.size:
            counts = first[front + 1] - first[front]
            skipped = np.cumsum(counts) - counts
            arcs = np.arange(counts.sum()) + np.repeat(first[front] - skipped, counts)
            ahead = target[arcs]
            np.maximum.at(arrival, ahead, np.repeat(arrival[front], counts) + levels[arcs])
            np.subtract.at(open_arcs, ahead, 1)
            reached = np.unique(ahead)
            front = reached[open_arcs[reached] == 0]
        stuck = np.flatnonzero(open_arcs)
        if stuck.size:
            raise HeedError("gates form a loop: " + " <- ".join(self._loop(open_arcs, stuck[0])))
        return arrival

    def _loop(self, open_arcs: np.ndarray, net: int) -> list[str]:
        seen: dict[int, None] = {}
        while net not in seen:
            seen[net] = None
            before = self._source[self._arcs_into(net)]
            net = before[open_arcs[before] > 0][0]
        nets = list(seen)
        loop = [*nets[nets.index(net) :], net]
        names = [name for name in map(self._name, loop) if name]
        return names[:SHOWN_NETS]

    def _arcs_into(self, net: int) -> slice:
        low, high = np.searchsorted(self._target, [net, net + 1])
        return slice(low, high)

    def _name(self, net: int) -> str:
        """Name of a net with the path of its instance; empty when it has none."""
        instance = self.instances[np.searchsorted(self._bases, net, side="right") - 1]
        name = self._netlists[instance.kind].names.get(int(net) - instance.base)
        return ".".join((*instance.path, name)) if name else ""

    def end_name(self, end: int) -> str:
        """Name of the register, memory or output at which a path ends."""
        label = self._end_labels[self._end_groups[end]]
        if label.startswith("output"):
            return label
        path = self.instances[self.owner[end]].path
        return ".".join((*path, label)) if label else self._name(self._end_names[end])

    def path(self, end: int) -> list[Point]:
        """The longest path to an end: the first named net of each level, then the end itself."""
        first = {point.level: point for point in self._back(end)}
        return [*reversed(first.values()), Point(self.end_name(end), int(self.level[end]))]

    def _back(self, end: int) -> Iterator[Point]:
        net = self._end_nets[end]
        while True:
            name, level = self._name(net), self._arrival[net]
            arcs = self._arcs_into(net)
            before = self._source[arcs]
            fits = self._arrival[before] + self._levels[arcs] == level
            if name or not fits.any():
                yield Point(name or "?", int(level))
            if not fits.any():
                return
            net = before[fits][0]
