"""The deepest that the stacks of an image can get: frames along the calls."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

from heed.audit.image import Image
from heed.audit.walk import Call, Function, Walker


@dataclass(frozen=True)
class Bound:
    """The most stack that something takes.

    Parameters
    ----------
    bytes
        How much; infinite when it calls itself.
    path
        Functions from the outermost to the innermost.
    """

    bytes: float = 0
    path: tuple[str, ...] = ()


@dataclass
class StackUse:
    """The stacks of an image.

    Parameters
    ----------
    image
    nowhere
        Names of functions that call where no code is, to try what traps.
    """

    image: Image
    nowhere: Collection[str] = ()
    recursion: list[tuple[str, ...]] = field(default_factory=list)
    _bounds: dict[int, tuple[Bound, Bound]] = field(default_factory=dict)

    def __post_init__(self):
        walker = Walker(self.image, self.nowhere)
        self.functions: dict[int, Function] = walker.functions
        self.executed: set[int] = walker.executed
        found = {start for start in self.image.starts if start not in self.image.inline}
        while found - self.functions.keys():
            for start in sorted(found):
                walker.function(start)
            found = self._by_pointer()
        for start in sorted(self.functions):
            self._bound(start, ())

    def _by_pointer(self) -> set[int]:
        """Functions that are reached by their address: trap handlers, and those in `taken`."""
        calls = [call for function in self.functions.values() for call in function.calls]
        taken = self._addresses("taken") | set(self.image.words.values())
        if all(call.target is not None or call.table for call in calls):
            taken = set()
        return (taken & self.image.names.keys()) | self._addresses("vectors")

    def _addresses(self, kind: str) -> set[int]:
        found = set().union(*(getattr(function, kind) for function in self.functions.values()))
        return found & self.image.code.keys()

    @cached_property
    def vectors(self) -> set[int]:
        """Trap handlers."""
        return self._addresses("vectors")

    @cached_property
    def taken(self) -> list[int]:
        """Functions that a pointer can call: their address lies in data, or code makes it.

        Trap handlers are called by traps alone.
        """
        return sorted(self._by_pointer() - self.vectors)

    @property
    def problems(self) -> list[str]:
        """What could not be followed."""
        found = set().union(*(function.problems for function in self.functions.values()))
        for address, name, targets in self.indirect:
            if not targets and name not in self.nowhere:
                found.add(f"{name} ({address:#x}): calls by pointer, but no function can be meant")
        return sorted(found)

    @property
    def indirect(self) -> list[tuple[int, str, tuple[str, ...]]]:
        """Calls by pointer: address, function, and the functions that it can be."""
        found = []
        for start, function in sorted(self.functions.items()):
            for call in sorted(function.calls, key=lambda call: call.at):
                if call.target is None:
                    names = tuple(self.image.name_of(t) for t in self._targets(start, call))
                    found.append((call.at, self.image.name_of(start), names))
        return found

    def _targets(self, start: int, call: Call) -> list[int]:
        if call.target is not None:
            return [call.target]
        if call.table:
            return sorted(set(call.table))
        return [] if self.image.name_of(start) in self.nowhere else self.taken

    def _bound(self, start: int, callers: tuple[int, ...]) -> tuple[Bound, Bound]:
        """Bounds of a function: on its caller's stack, and on stacks that are begun below it."""
        if start in self._bounds:
            return self._bounds[start]
        if start in callers:
            cycle = (*callers[callers.index(start) :], start)
            self.recursion.append(tuple(self.image.name_of(address) for address in cycle))
            return Bound(math.inf, ("...",)), Bound()
        function, name = self.functions[start], self.image.name_of(start)
        here = Bound(function.depth, (name,))
        fresh = Bound() if function.fresh is None else Bound(function.fresh, (name,))
        for call in sorted(function.calls, key=lambda call: call.at):
            for target in self._targets(start, call):
                below, begun = self._bound(target, (*callers, start))
                whole = Bound(call.depth + below.bytes, (name, *below.path))
                if call.fresh:
                    fresh = _larger(fresh, whole)
                else:
                    here = _larger(here, whole)
                fresh = _larger(fresh, begun)
        self._bounds[start] = here, fresh
        return here, fresh

    def of(self, name: str) -> Bound | None:
        """Bound of a function by its name, on the stack that it is called on."""
        for address, known in self.image.names.items():
            if known == name and address in self._bounds:
                return self._bounds[address][0]
        return None

    @cached_property
    def worst(self) -> Bound:
        """The deepest that a stack gets: from the entry on, with the deepest handler on top.

        A handler that begins a stack of its own is counted by itself.
        """
        here, begun = self._bound(self.image.entry, ())
        deepest = _larger(here, begun)
        handler, alone = Bound(), Bound()
        for vector in sorted(self.vectors):
            below, own = self._bound(vector, ())
            handler, alone = _larger(handler, below), _larger(alone, own)
        stacked = Bound(deepest.bytes + handler.bytes, (*deepest.path, *handler.path))
        return _larger(stacked if handler.bytes else deepest, alone)


def _larger(one: Bound, other: Bound) -> Bound:
    return other if other.bytes > one.bytes else one
