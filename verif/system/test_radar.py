"""`heed bench radar`: both networks on the simulator's cores, rows, the page, wrong words."""

import json

import numpy as np
import pytest

from heed.audit import audit
from heed.bench import radar
from heed.bench.kernels import deep
from heed.bench.radar import MARK, Row, measure, page, texts
from heed.cli import main as cli
from heed.errors import HeedError
from heed.flow import deploy
from heed.flow.plan import STACK_BYTES
from heed.simulator.iss import IssSimulator
from heed.zoo.radar import accuracy
from heed.zoo.radar.data import NETWORKS
from heed.zoo.radar.networks import load_graph
from hw.presets import TINY
from sw_model import reference

ROW = Row(
    network="made up",
    cores=3,
    parameters=20_000,
    weight_bytes=18_000,
    macs=1000,
    cycles=250,
    float_accuracy=0.5,
    int8_accuracy=0.25,
    layers=[["first", "1,000", "240", "4.2"]],
)
SMALL = deep(TINY)
KNOWN = {"cnn_tcn": (0.5, 0.25), "transformer": (0.75, 1.0)}


def quiet(_):
    pass


@pytest.fixture(scope="module")
def rows():
    """Measuring compares every tensor with the reference."""
    return {row.network: row for row in measure(SMALL, IssSimulator(SMALL), KNOWN, quiet)}


@pytest.mark.parametrize("name", NETWORKS)
def test_rows(rows, name):
    row, network = rows[name], NETWORKS[name]
    assert row.cores == SMALL.harts
    assert (row.float_accuracy, row.int8_accuracy) == KNOWN[name]
    shapes = network.parameter_shapes()
    assert row.parameters == sum(np.prod(shape) for shape in shapes.values())
    matrices = sum(np.prod(shape) for key, shape in shapes.items() if key.endswith("weight"))
    assert row.weight_bytes == pytest.approx(matrices, rel=0.05)
    wanted = sum(network.multiply_accumulates().values())
    assert 0.85 * wanted < row.macs <= wanted  # pools drop a few
    assert row.mac_per_cycle == row.macs / row.cycles
    assert row.layers[-1][:3] == ["whole image", f"{row.macs:,}", f"{row.cycles:,}"]


@pytest.mark.parametrize("name", NETWORKS)
def test_programs_have_room_for_their_stacks(name):
    """And no instruction that the cores lack."""
    program = deploy(load_graph(name), SMALL, engine=False)
    examined = audit(program.elf, SMALL)
    assert examined.faults == []
    assert examined.worst.bytes <= examined.given == STACK_BYTES


def test_a_wrong_tensor_is_named(monkeypatch):
    right = reference.run

    def wrong(graph, inputs):
        values = right(graph, inputs)
        values["layer1_reduce"] = values["layer1_reduce"] ^ 1
        return values

    monkeypatch.setattr(radar.reference, "run", wrong)
    with pytest.raises(HeedError, match=r"tensor layer1_reduce \[0, 0\] is"):
        measure(SMALL, IssSimulator(SMALL), {}, quiet, ("transformer",))


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(accuracy, "accuracies", lambda progress: KNOWN)
    file, own = tmp_path / "rows.json", tmp_path / "page.md"
    own.write_text(f"# Mine\n\n{MARK}\nold\n")
    words = ["bench", "radar", "--preset", "tiny", "--target", "iss"]
    assert cli.main([*words, "--json", str(file), "-o", str(own)]) == 0
    out = capsys.readouterr().out
    assert "synthetic" in out and "layer0_attention" in out and "bit-exact" in out
    text = own.read_text()
    assert text.startswith(f"# Mine\n\n{MARK}\n\n| network |")
    for row in json.loads(file.read_text()):
        assert row["mac_per_cycle"] == row["macs"] / row["cycles"]
        assert f"| {row['macs']:,} | {row['cycles']:,} |" in text
        assert f"### `{row['network']}`, layer by layer" in text
        assert [row["float_accuracy"], row["int8_accuracy"]] == list(KNOWN[row["network"]])


@pytest.mark.parametrize(
    "words, message",
    (
        (["--preset", "huge"], "tiny, paper"),
        (["--target", "fpga"], "rtl, iss"),
        (["--json", "/not/there/rows.json"], "/not/there"),
        (["-o", "/not/there/page.md"], "cannot be read"),
        (["-o", "page.md", "--no-accuracy"], "--no-accuracy"),
    ),
)
def test_wrong_words(words, message, capsys):
    assert cli.main(["bench", "radar", *words]) in (1, 2)
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_a_page_without_the_line(tmp_path, capsys):
    own = tmp_path / "page.md"
    own.write_text("nothing\n")
    assert cli.main(["bench", "radar", "-o", str(own)]) == 1
    assert MARK in capsys.readouterr().err


def test_a_page_has_the_rows_below_the_line():
    text = page(f"above\n{MARK}\nbelow", [ROW])
    assert text.startswith(f"above\n{MARK}\n\n| network")
    assert "| " + " | ".join(texts(ROW)) + " |\n" in text
    assert "| 1,000 | 250 | 4.0 | 50.0% | 25.0% |" in text
    assert text.endswith(
        "### `made up`, layer by layer\n\n| layer | MACs | cycles | MAC/cycle |\n"
        "|---|--:|--:|--:|\n| first | 1,000 | 240 | 4.2 |\n"
    )
