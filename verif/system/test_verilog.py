"""The Verilog export: the same bytes every time, checked, and never half-written."""

import re
from dataclasses import replace

import pytest
from amaranth.hdl import Instance, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from heed import verilog
from heed.cli import main as cli
from heed.errors import HeedError
from hw.config import CoreConfig
from hw.core.rvfi import EXTRA, MEMBERS
from hw.presets import PAPER, TINY

FILES = {"engine.v", "crossbar.v", "core.v", "cluster.v", "heed_ram.v"}


class Inverter(wiring.Component):
    """A small part without faults."""

    def __init__(self):
        super().__init__({"a": In(4), "y": Out(4)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(~self.a)
        return m


class Incomplete(wiring.Component):
    """A part that uses a module which nobody provides."""

    def __init__(self):
        super().__init__({"a": In(4), "y": Out(4)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.missing = Instance("missing", i_a=self.a, o_y=self.y)
        return m


@pytest.fixture
def small(monkeypatch):
    """Export two small parts instead of the cluster's."""
    parts = tuple(verilog.Part(name, lambda config: Inverter()) for name in ("one", "two"))
    monkeypatch.setattr(verilog, "PARTS", parts)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_tiny_is_the_same_twice_and_passes_the_checks(tmp_path):
    verilog.write_verilog(TINY, tmp_path / "first")
    verilog.write_verilog(TINY, tmp_path / "second", checked=False)
    first = contents(tmp_path / "first")
    assert set(first) == FILES
    assert first == contents(tmp_path / "second")
    for name, text in first.items():
        assert b"(* src" not in text and str(tmp_path).encode() not in text, name
        assert b"/hw/" not in text.replace(b"hw/common/ram.py", b""), name


@pytest.mark.slow
def test_paper_passes_the_checks(tmp_path):
    verilog.write_verilog(PAPER, tmp_path / "paper")
    assert set(contents(tmp_path / "paper")) == FILES


def test_parts_are_checked_and_written(small, tmp_path):
    said = []
    files = verilog.write_verilog(TINY, tmp_path / "out", progress=said.append)
    assert sorted(file.name for file in files) == ["heed_ram.v", "one.v", "two.v"]
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    for part in ("one", "two"):
        assert sum(part in line for line in said) == 3  # written, linted, checked


def test_other_files_in_the_folder_stay(small, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "one.v").write_text("old")
    verilog.write_verilog(TINY, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "module one" in (tmp_path / "one.v").read_text()


def test_a_part_that_fails_leaves_the_folder_as_it_was(small, monkeypatch, tmp_path):
    parts = (*verilog.PARTS, verilog.Part("incomplete", lambda config: Incomplete()))
    monkeypatch.setattr(verilog, "PARTS", parts)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one.v").write_text("old")
    with pytest.raises(HeedError, match="incomplete.v.*(.|\\n)*missing"):
        verilog.write_verilog(TINY, tmp_path / "out")
    assert contents(tmp_path / "out") == {"one.v": b"old"}
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_folder_that_is_a_file(small, tmp_path):
    (tmp_path / "out").write_text("")
    for folder in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(HeedError, match="out"):
            verilog.write_verilog(TINY, folder)


def test_a_unit_by_itself(small, tmp_path):
    verilog.write_verilog(TINY, tmp_path / "out", parts=verilog.choose("two"))
    assert set(contents(tmp_path / "out")) == {"two.v", "heed_ram.v"}


def test_the_core_with_its_trace_port(tmp_path, capsys):
    """The ports have the names of the RISC-V Formal Interface, and no others of it are there."""
    words = ["verilog", "--unit", "core", "--rvfi", "--no-xcv", "-o", str(tmp_path)]
    assert cli.main(words) == 0, capsys.readouterr().err
    assert set(contents(tmp_path)) == {"core.v", "heed_ram.v"}
    top = (tmp_path / "core.v").read_text().partition("module core(")[2]
    top = top.partition("endmodule")[0]
    ports = re.findall(r"^  output (?:\[(\d+):0\] )?(\w*rvfi_\w+);$", top, re.MULTILINE)
    expected = {f"rvfi_{name}": width for name, width in MEMBERS.items()}
    expected |= {f"heed_rvfi_{name}": width for name, width in EXTRA.items()}
    assert {name: int(high or 0) + 1 for high, name in ports} == expected


def test_standard_cores():
    """`--no-xcv` leaves what RISC-V has a name for, and everything else of the cluster."""
    config = verilog.without_xcv(PAPER)
    assert config.core.groups == ("m", "a") and config.core.event_counters
    assert replace(config, core=PAPER.core) == PAPER
    bare = verilog.without_xcv(replace(PAPER, core=CoreConfig.of("xcv_mem", "m")))
    assert bare.core.groups == ("m",)


def test_the_verb_prints_what_it_wrote(small, tmp_path, capsys):
    assert cli.main(["verilog", "--preset", "tiny", "-o", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    for name in ("one.v", "two.v", "heed_ram.v", "linted and checked"):
        assert name in out


def module(body):
    return f"module top (input clk, input [3:0] a, input b, output [3:0] y);\n{body}\nendmodule\n"


SOUND = "assign y = a;"
LINT_FAULTS = {
    "LATCH": "reg [3:0] r; always @* if (b) r = a; assign y = r;",
    "WIDTHTRUNC": "wire [7:0] w = {a, a}; assign y = w;",
    "UNDRIVEN": "wire [3:0] w; assign y = a & w;",
    "MULTIDRIVEN": "reg [3:0] r; always @(posedge clk) r <= a;\n"
    "always @(negedge clk) r <= ~a; assign y = r;",
    "BLKSEQ": "reg [3:0] r; always @(posedge clk) r = a; assign y = r;",
    "PINMISSING": "sub s (.p(a)); assign y = a; endmodule\nmodule sub(input [3:0] p, input q);",
}


def test_sound_text_passes_both_tools(tmp_path):
    (tmp_path / "top.v").write_text(module(SOUND))
    verilog.lint(tmp_path, "top", ["top.v"])
    verilog.check(tmp_path, "top", ["top.v"])


@pytest.mark.parametrize("fault", LINT_FAULTS)
def test_the_waivers_leave_real_faults_visible(fault, tmp_path):
    (tmp_path / "top.v").write_text(module(LINT_FAULTS[fault]))
    with pytest.raises(HeedError, match=fault):
        verilog.lint(tmp_path, "top", ["top.v"])


@pytest.mark.parametrize(
    "fault, body",
    [
        ("loop", "wire [3:0] w = y ^ a; assign y = w + 4'd1;"),
        ("multiple", "assign y = a; assign y = ~a;"),
        ("not part of the design", "missing m (.a(a)); assign y = a;"),
        ("no driver", "wire [3:0] w; assign y = w;"),
    ],
)
def test_yosys_finds_what_cannot_be_built(fault, body, tmp_path):
    (tmp_path / "top.v").write_text(module(body))
    with pytest.raises(HeedError, match=fault):
        verilog.check(tmp_path, "top", ["top.v"])


def test_every_waiver_has_its_reason():
    blocks = verilog.WAIVERS.read_text().split("\n\n")[1:]
    assert blocks
    for block in blocks:
        *reason, waiver = block.strip().splitlines()
        assert reason and all(line.startswith("// ") for line in reason)
        assert waiver.startswith("lint_off -rule ")
