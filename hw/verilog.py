"""Conversion of components to Verilog: one way for tests, simulation and synthesis."""

from pathlib import Path

from amaranth.back import verilog

RAM_SOURCES = (Path(__file__).parent / "common" / "heed_ram.v",)
"""Hand-written Verilog that converted text may instantiate."""


class VerilogPlatform:
    """Marks elaboration for Verilog: memories become instances of hand-written RAM modules."""


def verilog_sources():
    """Return the paths of the hand-written Verilog that converted text needs, as a list."""
    return list(RAM_SOURCES)


def to_verilog(component, *, name):
    """Return a component as Verilog text, the same from run to run and free of paths.

    Parameters
    ----------
    component : wiring.Component
        What to convert; its interface members become ports, `a.b` as `a__b`.
    name : str
        Name of the top module; submodules get it as a prefix.

    Raises
    ------
    ValueError
        When `name` is not a plain identifier.
    """
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
        raise ValueError(f"name is {name!r}, but must be an identifier of ASCII letters and digits")
    return verilog.convert(
        component,
        name=name,
        platform=VerilogPlatform(),
        emit_src=False,
        strip_internal_attrs=True,
    )
