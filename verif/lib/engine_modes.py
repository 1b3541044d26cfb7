"""What a job of the engine may be in types, joins and parameters: every legal combination."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from hw.regmap import ElementType, Kind, ParamMode

ELEMENT_BYTES = {
    ElementType.INT8: 1,
    ElementType.UINT8: 1,
    ElementType.INT16: 2,
    ElementType.INT32: 4,
}

BYTES = (ElementType.INT8, ElementType.UINT8)
X_TYPES = {
    Kind.LINEAR: BYTES,
    Kind.ATTENTION: (ElementType.INT8,),
    Kind.LAYERNORM: (*BYTES, ElementType.INT16),
    Kind.ELEMENTWISE: tuple(ElementType),
    Kind.COPY: tuple(ElementType),
}


@dataclass(frozen=True)
class Mode:
    """A legal combination.

    Parameters
    ----------
    x_type, y_type : ElementType
    join : str
        "none", "residual" or "accumulate".
    r_type : ElementType or None
        Type of R where it is joined.
    table : bool
    entries : ParamMode or None
        None where there are no entries: raw outputs and copies.
    """

    x_type: ElementType
    y_type: ElementType
    join: str = "none"
    r_type: ElementType | None = None
    table: bool = False
    entries: ParamMode | None = None

    def fields(self) -> dict[str, int]:
        """Return the descriptor's fields."""
        return {
            "x_type": self.x_type,
            "y_type": self.y_type,
            "r_type": self.r_type or ElementType.INT8,
            "use_residual": int(self.join == "residual"),
            "accumulate": int(self.join == "accumulate"),
            "use_table": int(self.table),
            "param_mode": ParamMode.COMMON if self.entries is None else self.entries,
        }

    @classmethod
    def of(cls, f: dict[str, int]) -> "Mode":
        """Return the mode of a good descriptor's fields."""
        join = "residual" if f.get("use_residual") else "none"
        join = "accumulate" if f.get("accumulate") else join
        y_type = ElementType(f.get("y_type", 0))
        bare = f["kind"] == Kind.COPY or y_type == ElementType.INT32
        return cls(
            ElementType(f.get("x_type", 0)),
            y_type,
            join,
            None if join == "none" else ElementType(f["r_type"]),
            bool(f.get("use_table")),
            None if bare else ParamMode(f["param_mode"]),
        )


def _modes(kind: Kind) -> Iterator[Mode]:
    if kind == Kind.COPY:
        yield from (Mode(element, element) for element in ElementType)
        return
    if kind == Kind.ATTENTION:
        yield Mode(ElementType.INT8, ElementType.INT8, entries=ParamMode.HEAD)
        return
    joins = [("none", None)]
    if kind != Kind.LAYERNORM:
        joins += [("residual", r_type) for r_type in (*BYTES, ElementType.INT16)]
        joins += [("accumulate", ElementType.INT32)]
    for x_type, y_type, (join, r_type) in product(X_TYPES[kind], ElementType, joins):
        if y_type == ElementType.INT32:
            if kind != Kind.LAYERNORM and join != "residual":
                yield Mode(x_type, y_type, join, r_type)
            continue
        for table, entries in product((False, True) if y_type in BYTES else (False,), ParamMode):
            yield Mode(x_type, y_type, join, r_type, table, entries)


MODES = {kind: tuple(_modes(kind)) for kind in Kind}
"""Every mode of each kind."""


class Deck:
    """Deals the modes of each kind in random order, all of them before it begins again.

    Modes without entries are few: they come four times as often as others.
    """

    def __init__(self, rng: np.random.Generator):
        self._rng = rng
        self._left: dict[Kind, list[Mode]] = {kind: [] for kind in Kind}

    def deal(self, kind: Kind) -> Mode:
        """Return the next mode of a kind."""
        left = self._left[kind]
        if not left:
            cards = [m for m in MODES[kind] for _ in range(4 if m.entries is None else 1)]
            left += [cards[n] for n in self._rng.permutation(len(cards))]
        return left.pop()

    def put_back(self, kind: Kind, mode: Mode) -> None:
        """Let a mode be dealt again: nothing came of it."""
        self._left[kind].append(mode)
