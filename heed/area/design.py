"""A component as a hierarchy of RTLIL modules, in which equal modules are one type."""

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heed.errors import HeedError

if TYPE_CHECKING:
    from amaranth.hdl import Fragment
    from amaranth.lib.wiring import Component

MODULE = re.compile(r"^module \\(\S+)\n(.*?)^end$", re.DOTALL | re.MULTILINE)
CELL = re.compile(r"^  cell \\(\S+) \\(\S+)$", re.MULTILINE)
PORT = re.compile(r"^  wire .*(?:input|output) \d+ .*$", re.MULTILINE)

Path = tuple[str, ...]


@dataclass(frozen=True)
class ModuleType:
    """Modules with the same contents.

    Parameters
    ----------
    name : str
        Name of the RTLIL module.
    text : str
        RTLIL of the module, and of the modules in it as black boxes.
    children : dict
        Type of each module in it, by the name of its instance.
    """

    name: str
    text: str
    children: dict[str, str]


@dataclass(frozen=True)
class Design:
    """A hierarchy.

    Parameters
    ----------
    top : str
        Type of the top module.
    types : dict of ModuleType
        By name.
    components : dict
        Which class made an instance: module and name of the class, by the instance's path. The
        top's path is empty; instances that no component made are left out.
    """

    top: str
    types: dict[str, ModuleType]
    components: dict[Path, tuple[str, str]]


def _component(fragment: "Fragment") -> tuple[str, str] | None:
    from amaranth.lib.wiring import Component

    for origin in fragment.origins or ():
        if isinstance(origin, Component):
            return type(origin).__module__, type(origin).__qualname__
    return None


def elaborate(component: "Component", name: str) -> Design:
    """Elaborate a component; `name` is what the top module is called.

    Raises
    ------
    HeedError
        When its logic forms a loop.
    """
    from amaranth.back import rtlil
    from amaranth.hdl import CombinationalCycle, Fragment, Value

    ports = [
        ("__".join(map(str, path)), Value.cast(value), None)
        for path, _, value in component.signature.flatten(component)
    ]
    design = Fragment.get(component, None).prepare(ports, hierarchy=(name,))
    components = {}
    for inner, info in design.fragments.items():
        if made_by := _component(inner):
            components[tuple(info.name[1:])] = made_by
    try:
        text, _ = rtlil.convert_fragment(design, name=name, emit_src=False)
    except CombinationalCycle as error:
        raise HeedError(f"{name}: {error}") from None
    types: dict[str, ModuleType] = {}
    top = _merge(name, dict(MODULE.findall(text)), types)
    return Design(top, types, components)


def _merge(name: str, bodies: dict[str, str], types: dict[str, ModuleType]) -> str:
    """Add module `name` and those in it to `types`, unless they are there; return its type."""
    children = {}

    def rename(found: re.Match) -> str:
        children[found[2]] = _merge(found[1], bodies, types)
        return f"  cell \\{children[found[2]]} \\{found[2]}"

    body = CELL.sub(rename, bodies[name])
    digest = hashlib.sha256(body.encode()).hexdigest()[:12]
    kind = f"{re.sub(r'[^a-z]+', '_', name.rpartition('.')[2].lower()).strip('_')}_{digest}"
    if kind not in types:
        boxes = [
            f"attribute \\blackbox 1\n{_module(child, _ports(types[child]))}"
            for child in sorted(set(children.values()))
        ]
        types[kind] = ModuleType(kind, "\n".join([_module(kind, body), *boxes]), children)
    return kind


def _module(name: str, body: str) -> str:
    return f"module \\{name}\n{body}\nend\n"


def _ports(kind: ModuleType) -> str:
    own = MODULE.search(kind.text)
    return "\n".join(PORT.findall(own[2]))
