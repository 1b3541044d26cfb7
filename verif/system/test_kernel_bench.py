"""`heed bench kernels` on small work: results, rows, the page, what it says of wrong words."""

import dataclasses
import json

import numpy as np
import pytest

from heed.bench import kernel_items, kernels
from heed.bench.kernel_convolutions import CONVOLUTION_ITEMS
from heed.bench.kernel_dialect import DIALECT_ITEMS
from heed.bench.kernel_elements import ELEMENT_ITEMS
from heed.bench.kernel_items import MATRIX_ITEMS, Item, product_bound
from heed.bench.kernels import ITEMS, MARK, Row, cycles, deep, measure, page, texts
from heed.cli import main as cli
from heed.errors import HeedError
from heed.kernels import Cluster
from heed.simulator.iss import IssSimulator
from hw.presets import PAPER, TINY

MATMUL = Item("small", lambda: kernel_items.matmul(8, 12, 20), macs=8 * 12 * 20, bound=900.0)
LAYER = Item("layer", lambda: kernel_items.attention_layer(6, 8, 3, 8), macs=2 * 6 * 8 * 24)
SMALL = (MATMUL, LAYER)
ROW = Row(
    name="made up",
    cores=2,
    macs=1000,
    elements=0,
    cycles=250,
    bound=200.0,
    estimate=240,
    published=500.0,
    speedup=1.9,
)


@pytest.fixture
def shallow(monkeypatch):
    """The scratchpad as it is, so that no other simulator is built."""
    monkeypatch.setattr(kernels, "deep", lambda config: config)


@pytest.fixture(scope="module")
def paper():
    return Cluster(IssSimulator(deep(PAPER)))


def test_rows_of_the_rtl(shallow):
    rows = {(row.name, row.cores): row for row in measure(SMALL, TINY, lambda text: None)}
    assert list(rows) == [("small", 1), ("small", 2), ("layer", 1), ("layer", 2)]
    for (name, cores), row in rows.items():
        assert row.mac_per_cycle == row.macs / row.cycles
        alone = rows[name, 1].cycles
        assert row.speedup == alone / row.cycles
        assert row.cycles == row.estimate if cores == 1 else row.cycles < alone
    assert rows["small", 2].bound == 450.0


def test_the_scratchpad_is_deeper_and_nothing_else():
    config = deep(PAPER)
    assert config.tcdm.bytes == 512 << 10
    assert config.tcdm.banks == PAPER.tcdm.banks
    same = dataclasses.replace(config, name=PAPER.name, tcdm=PAPER.tcdm)
    assert same == PAPER


GOAL = {
    ("matmul-k64", 1): 2.1,
    ("matmul-k64", 8): 16.5,
    ("matmul-k192", 1): 2.45,
    ("matmul-k192", 8): 19.0,
}
"""Least MACs a cycle."""


@pytest.mark.parametrize("item", MATRIX_ITEMS[:4], ids=lambda item: item.name)
def test_what_products_reach_without_conflicts(paper, item):
    """On the simulator, whose estimate is what the RTL takes on one core."""
    work = item.build()
    for cores in (1, 8):
        taken = cycles(paper, work, cores)
        assert item.bound / cores < taken
        assert item.macs / taken >= GOAL.get((item.name, cores), 0)


def test_what_the_attention_layer_takes(paper):
    """Below 600 000 cycles with some room for conflicts; and the layer is the published one."""
    item = next(item for item in MATRIX_ITEMS if item.name == "attention-layer")
    assert item.macs == 10_485_760
    taken = cycles(paper, item.build(), 8)
    assert item.bound / 8 < taken <= 580_000


@pytest.mark.parametrize(
    "item", [*ELEMENT_ITEMS, *CONVOLUTION_ITEMS[2:], *DIALECT_ITEMS], ids=lambda item: item.name
)
def test_other_items_are_right(paper, item):
    taken = cycles(paper, item.build(), 8)
    assert item.bound / 8 < taken


def test_names_are_told_apart():
    names = [item.name for item in ITEMS]
    assert len(set(names)) == len(names)
    assert all(bool(item.macs) != bool(item.elements) for item in ITEMS)


def test_the_bound():
    """A step of the block: 8 loads, 16 dot products; then 16 requantisations and 4 stores."""
    assert product_bound(4, 4, 4) == 24 + 20
    assert product_bound(8, 4, 8) == 2 * (48 + 20)


def test_wrong_results_are_noticed():
    work = MATMUL.build()
    ((_, results),) = work.done
    wanted = int(results["y"][7, 11])
    results["y"][7, 11] ^= 1
    message = rf"1 elements of y are wrong; y\[7, 11\] is {wanted}, "
    with pytest.raises(HeedError, match=message):
        cycles(Cluster(IssSimulator(TINY)), work, 1)


def test_results_are_neither_all_alike_nor_all_clipped():
    for item in (*MATRIX_ITEMS[:5], *ELEMENT_ITEMS, *CONVOLUTION_ITEMS[1:]):
        for job, results in item.build().done:
            for name, array in results.items():
                if name == "factors":
                    continue
                low, high = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
                inside = np.mean((array > low) & (array < high))
                assert np.std(array) > 5, (item.name, job.kernel, name)
                assert inside > 0.3, (item.name, job.kernel, name)


def test_the_command(tmp_path, capsys, monkeypatch, shallow):
    monkeypatch.setattr(kernels, "ITEMS", SMALL)
    file, own = tmp_path / "rows.json", tmp_path / "page.md"
    own.write_text(f"# Mine\n\n{MARK}\nold\n")
    words = ["bench", "kernels", "--preset", "tiny", "--json", str(file), "-o", str(own)]
    assert cli.main(words) == 0
    assert "small" in capsys.readouterr().out
    rows = json.loads(file.read_text())
    assert [(row["name"], row["cores"]) for row in rows] == [
        *(("small", 1), ("small", 2), ("layer", 1), ("layer", 2))
    ]
    assert own.read_text().startswith(f"# Mine\n\n{MARK}\n\n| kernel |")
    for row in rows:
        assert row["mac_per_cycle"] == row["macs"] / row["cycles"]
        assert f"| {row['cores']} | {row['macs']:,} MACs | {row['cycles']:,} |" in own.read_text()


@pytest.mark.parametrize(
    "words, message",
    (
        (["--preset", "huge"], "tiny, paper"),
        (["--json", "/not/there/rows.json"], "/not/there"),
        (["-o", "/not/there/page.md"], "cannot be read"),
    ),
)
def test_wrong_words(words, message, capsys):
    assert cli.main(["bench", "kernels", *words]) in (1, 2)
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_a_page_without_the_line(tmp_path, capsys):
    own = tmp_path / "page.md"
    own.write_text("nothing\n")
    assert cli.main(["bench", "kernels", "-o", str(own)]) == 1
    assert MARK in capsys.readouterr().err


def test_a_page_has_the_rows_below_the_line():
    text = page(f"above\n{MARK}\nbelow", [ROW])
    assert text.startswith(f"above\n{MARK}\n\n| kernel")
    assert text.endswith("| " + " | ".join(texts(ROW)) + " |\n")
    cells = "| 2 | 1,000 MACs | 250 | 4.00 MAC/cycle | 1.90 | 80.0% | 240 | 2.00 MAC/cycle |"
    assert cells in text
    elements = dataclasses.replace(ROW, macs=0, elements=500, published=None, bound=0.0)
    assert "| 2 | 500 elements | 250 | 0.50 cycles each | 1.90 |  | 240 |  |" in page(
        MARK, [elements]
    )
