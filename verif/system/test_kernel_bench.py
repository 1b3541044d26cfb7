"""`heed bench kernels` on small products: results, rows, the page, what it says of wrong words."""

import json

import numpy as np
import pytest

from heed.bench import kernels
from heed.bench.kernels import MARK, MATMULS, Matmul, Row, Work, measure, page, texts
from heed.cli import main as cli
from heed.errors import HeedError
from heed.simulator.iss import IssSimulator
from hw.presets import PAPER, TINY

SMALL = (Matmul("small", 8, 12, 20), Matmul("odd", 7, 9, 13))
ROW = Row(name="made up", cores=2, macs=1000, cycles=250, bound=5.0, estimate=240)


def quiet(_):
    pass


@pytest.fixture(scope="module")
def rows():
    return {(row.name, row.cores): row for matmul in SMALL for row in measure(matmul, TINY, quiet)}


def test_rows_of_the_rtl(rows):
    assert list(rows) == [("small", 1), ("small", 2), ("odd", 1), ("odd", 2)]
    for (name, cores), row in rows.items():
        assert row.macs == {"small": 8 * 12 * 20, "odd": 7 * 9 * 13}[name]
        assert row.mac_per_cycle == row.macs / row.cycles < row.bound
        assert row.cycles < rows[name, 1].cycles or cores == 1


def test_one_core_takes_as_long_as_estimated(rows):
    assert all(row.cycles == row.estimate for (_, cores), row in rows.items() if cores == 1)


GOAL = {
    **{("matmul-k64", 1): 2.1, ("matmul-k64", 8): 16.5},
    **{("matmul-k192", 1): 2.45, ("matmul-k192", 8): 19.0},
}


@pytest.mark.parametrize("matmul", MATMULS, ids=lambda matmul: matmul.name)
def test_what_the_kernel_reaches_without_conflicts(matmul):
    """On the simulator, whose estimate is what the RTL takes on one core."""
    work, iss = Work(matmul, PAPER), IssSimulator(PAPER)
    for cores in (1, 8):
        reached = matmul.macs / work.cycles(iss, cores)
        assert GOAL[matmul.name, cores] <= reached < cores * matmul.bound


def test_the_bound():
    """A step of the block: 8 loads, 16 dot products; then 16 requantisations and 4 stores."""
    assert Matmul("", 4, 4, 4).bound == 64 / (24 + 20)
    assert Matmul("", 4, 4, 1 << 20).bound == pytest.approx(4 * 16 / (16 + 8), rel=1e-5)


def test_wrong_results_are_noticed():
    work = Work(SMALL[0], TINY)
    wanted = work.result[7, 11]
    work.result = work.result.copy()
    work.result[7, 11] ^= 1
    with pytest.raises(HeedError, match=f"1 results are wrong; row 7, column 11 is {wanted}, "):
        work.cycles(IssSimulator(TINY), 1)


def test_results_are_neither_all_alike_nor_all_clipped():
    for matmul in MATMULS:
        result = Work(matmul, TINY).result
        assert np.std(result) > 10
        assert np.mean((result > -128) & (result < 127)) > 0.9


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(kernels, "MATMULS", SMALL)
    file, own = tmp_path / "rows.json", tmp_path / "page.md"
    own.write_text(f"# Mine\n\n{MARK}\nold\n")
    words = ["bench", "kernels", "--preset", "tiny", "--json", str(file), "-o", str(own)]
    assert cli.main(words) == 0
    assert "small" in capsys.readouterr().out
    rows = json.loads(file.read_text())
    assert [(row["name"], row["cores"]) for row in rows] == [
        *(("small", 1), ("small", 2), ("odd", 1), ("odd", 2))
    ]
    assert own.read_text().startswith(f"# Mine\n\n{MARK}\n\n| kernel |")
    for row in rows:
        assert row["mac_per_cycle"] == row["macs"] / row["cycles"]
        assert f"| {row['cores']} | {row['macs']:,} | {row['cycles']:,} |" in own.read_text()


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
    assert "| 2 | 1,000 | 250 | 4.00 | 5.00 | 80.0% | 240 |" in text
