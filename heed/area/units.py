"""The components that can be examined by themselves, by name."""

import importlib
import inspect
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from heed.errors import HeedError

if TYPE_CHECKING:
    from amaranth.lib.wiring import Component

    from hw.config import ClusterConfig


def _is_unit(kind: type, module: str) -> bool:
    from amaranth.lib.wiring import Component

    return (
        inspect.isclass(kind)
        and issubclass(kind, Component)
        and kind.__module__ == module
        and not kind.__name__.startswith("_")
        and set(inspect.signature(kind).parameters) <= {"config"}
    )


@cache
def units() -> dict[str, type]:
    """All components of the engine that need a configuration at most, by their names in lower
    case."""
    import hw.attention

    found = {}
    for module in pkgutil.walk_packages(hw.attention.__path__, "hw.attention."):
        names = vars(importlib.import_module(module.name))
        for kind in names.values():
            if _is_unit(kind, module.name):
                found[kind.__name__.lower()] = kind
    return found


def build(name: str, config: "ClusterConfig") -> "Component":
    """The component called `name`, in any case, with its slice of a cluster's configuration.

    Raises
    ------
    HeedError
        When there is none of that name; lists the ones there are.
    """
    from hw.config import ClusterConfig

    kind = units().get(name.lower())
    if kind is None:
        names = ", ".join(["core", *sorted(units())])
        raise HeedError(f"no unit {name!r}; there are: {names}", status=2)
    parameter = inspect.signature(kind).parameters.get("config")
    if parameter is None:
        return kind()
    return kind(config=config if parameter.annotation is ClusterConfig else config.engine)
