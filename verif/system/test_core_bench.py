"""`heed bench core` on small programs: counters, penalties, the simulator's estimate, the page."""

import dataclasses
import json
import subprocess
import sys

import pytest

from heed.bench import core_programs
from heed.bench.core import MARK, WAITS, Counts, Row, check, measure, page, texts
from heed.bench.core_hazards import Counter, Hazards
from heed.bench.core_programs import PROGRAMS, Program
from heed.cli import main as cli
from heed.doctor import build_folder
from heed.errors import HeedError
from heed.simulator.iss import IssSimulator
from heed.simulator.result import RunResult
from hw.presets import TINY
from sw_model.iss import Iss
from verif.lib.assembler import assemble

SMALL = {
    "matmul": {"ROWS": 5, "INNER": 9, "COLUMNS": 3},
    "crc32": {"BYTES": 77},
    "heapsort": {"NUMBERS": 65},
    "fractions": {"SUMS": 5},
}
ROW = Row(
    name="made up",
    preset="tiny",
    cycles=131,
    instructions=100,
    events={
        **{"operand_wait": 20, "fetch_wait": 10, "memory_wait": 0, "unit_wait": 1},
        **{"redirect": 10, "load": 5, "store": 5, "tcdm_refused": 0},
    },
    hazards=Hazards(load_use=8, product_use=7, taken=10, divisions=2),
    estimate=130,
)


def quiet(_):
    pass


@pytest.fixture(scope="module")
def rows():
    small = [Program(program.name, SMALL[program.name]) for program in PROGRAMS]
    return {program.name: measure(program, TINY, quiet) for program in small}


@pytest.mark.parametrize("name", SMALL)
def test_every_cycle_is_explained(rows, name):
    row = rows[name]
    waits = sum(row.events[event.name.lower()] for event in WAITS)
    assert row.cycles == row.instructions + waits
    assert row.events["fetch_wait"] == row.events["redirect"] == row.hazards.taken > 0
    assert row.events["memory_wait"] == row.events["tcdm_refused"] == 0
    assert row.events["load"] > 0 and row.events["store"] > 0
    assert abs(row.error) <= 0.05


@pytest.mark.parametrize("name", ("matmul", "crc32", "heapsort"))
def test_loads_and_products_cost_one_cycle_when_used_at_once(rows, name):
    row = rows[name]
    assert row.hazards.divisions == row.events["unit_wait"] == row.quotient_wait == 0
    assert row.events["operand_wait"] == row.hazards.load_use + row.hazards.product_use > 0


def test_divisions_are_waited_for(rows):
    row = rows["fractions"]
    assert 2 * row.hazards.divisions < row.quotient_wait <= 34 * row.hazards.divisions


def test_accesses_of_known_work(rows):
    """Each byte of the message and its word of the table are loaded; each sum is stored."""
    assert rows["crc32"].events["load"] >= 2 * 77
    assert rows["matmul"].events["store"] >= 5 * 3


@pytest.mark.parametrize(
    "name, right, wrong",
    (
        ("matmul", "sum = 0;", "sum = i == 4 && j == 2;"),
        (
            "crc32",
            "i < BYTES; i++)\n        crc = crc >> 8",
            "i < 76; i++)\n        crc = crc >> 8",
        ),
        ("heapsort", "last > 0; last--", "last > 1; last--"),
        ("heapsort", "all[last] = all[0];", "all[last] = all[0] | 1;"),
        ("fractions", "numbers[2] * numbers[1]", "numbers[2] * numbers[3]"),
        ("fractions", "common_divisor(over, under);", "1;"),
    ),
)
def test_programs_notice_wrong_results(name, right, wrong, tmp_path, monkeypatch):
    for source in core_programs.SOURCES.iterdir():
        (tmp_path / source.name).write_text(source.read_text())
    file = tmp_path / f"{name}.c"
    assert file.read_text().count(right) == 1
    file.write_text(file.read_text().replace(right, wrong))
    monkeypatch.setattr(core_programs, "SOURCES", tmp_path)
    monkeypatch.setattr(core_programs, "FLAGS", (*core_programs.FLAGS, "-Wno-unused-function"))
    elf = Program(name, SMALL[name]).elf(TINY, "repeat", {"REPEATS": 1})
    assert IssSimulator(TINY).run(elf).status == 1


@pytest.mark.parametrize("name", SMALL)
def test_programs_run_on_several_harts_and_over_again(name):
    elf = Program(name, SMALL[name]).elf(TINY, "repeat", {"REPEATS": 1})
    result = IssSimulator(TINY).run(elf, harts=2)
    assert result.status == 0 and len(result.mailbox) == 2


def test_hazards_of_known_instructions():
    """Between the second and the third write of mcountinhibit, the third one included."""
    text = """
        li s0, 0x10000000
        csrw mcountinhibit, x0
        lw a0, 0(s0)
        csrw mcountinhibit, x0
        lw a0, 0(s0)
        add a1, a0, a0      # uses it
        lw a0, 0(s0)
        nop
        add a1, a0, a0      # one later
        lw a0, 0(s0)
        li a0, 1            # writes it
        lw a0, 0(s0)
        sw a0, 4(s0)        # stores it
        lw x0, 0(s0)
        add a1, x0, x0      # nothing to wait for
        mul a2, a1, a1
        beq a2, x0, 1f      # uses the product
        nop
    1:  mulhu a2, a1, a1
        lui a3, 0x60        # bits like those of a2 as a source, but a number
        div a4, a1, a1
        remu a4, a4, a1
        jal 2f
    2:  bne x0, x0, 1b
        csrw mcountinhibit, x0
    3:  j 3b
    """
    image = assemble(text, base=0x8000_0000)
    counter = Counter()
    iss = Iss(TINY, build_folder() / "iss")
    iss.write(0x8000_0000, image.data)
    with pytest.raises(Exception, match="^$"):
        iss.run(0x8000_0000, trace=counter, max_cycles=1000)
    assert counter.hazards == Hazards(load_use=3, product_use=1, taken=2, divisions=2)


@pytest.mark.parametrize(
    "change, problem",
    (
        ({"cycles": 132}, "131 cycles explained, but 132"),
        ({"redirect": 9}, "10 cycles lost for 9 taken"),
        ({"taken": 11}, "10 redirects, but the program has 11"),
        ({"load_use": 14}, "-1 operand waits"),
        ({"divisions": 0}, "5 operand waits too many; 1 waits for the divider"),
        ({"memory_wait": 1}, "132 cycles explained, .*; 1 waits for memory"),
        ({"estimate": 138}, r"the estimate of 138 cycles is \+5.3% off 131"),
        ({"estimate": 124}, r"is -5.3% off"),
    ),
)
def test_rows_that_do_not_add_up(change, problem):
    check(ROW)
    events = {name: change.get(name, count) for name, count in ROW.events.items()}
    hazards = dataclasses.asdict(ROW.hazards)
    hazards = Hazards(**{name: change.get(name, count) for name, count in hazards.items()})
    own = {name: value for name, value in change.items() if name in ("cycles", "estimate")}
    with pytest.raises(HeedError, match=problem):
        check(dataclasses.replace(ROW, events=events, hazards=hazards, **own))


def outcome(words, status=0):
    mailbox = [(cycle, word) for cycle, word in enumerate(words)]
    return RunResult(status, 0, mailbox, [], [], [], b"", 0.0, exited=True)


def test_counts_of_a_run():
    counts = Counts.of(outcome([9, 8, 1, 2, 3, 4, 9, 8, 5, 6, 7, 0]))
    assert (counts.cycles, counts.instructions) == (9, 8)
    assert counts.events == {
        **{"operand_wait": 1, "fetch_wait": 2, "memory_wait": 3, "unit_wait": 4},
        **{"redirect": 5, "load": 6, "store": 7, "tcdm_refused": 0},
    }
    with pytest.raises(HeedError, match="exit status 1: the results are wrong"):
        Counts.of(outcome([], status=1))
    with pytest.raises(HeedError, match="second pass differs"):
        Counts.of(outcome([9, 8, 1, 2, 3, 4, 9, 7, 5, 6, 7, 0]))


def test_the_command(tmp_path, capsys, monkeypatch):
    small = [Program(name, sizes) for name, sizes in SMALL.items()]
    monkeypatch.setattr(core_programs, "PROGRAMS", small)
    file, own = tmp_path / "rows.json", tmp_path / "page.md"
    own.write_text(f"# Mine\n\n{MARK}\nold\n")
    words = ["bench", "core", "--preset", "tiny"]
    assert cli.main([*words, "-o", str(own), "--check"]) == 1
    out, err = capsys.readouterr()
    assert "stale" in err and own.read_text().endswith("old\n")
    assert cli.main([*words, "-o", str(own), "--json", str(file)]) == 0
    rows = json.loads(file.read_text())
    assert [row["name"] for row in rows] == [str(program) for program in small]
    assert own.read_text().startswith(f"# Mine\n\n{MARK}\n\n| program |")
    for row in rows:
        assert row["per_instruction"] == row["cycles"] / row["instructions"]
        assert f"| {row['name']} | {row['instructions']:,} | {row['cycles']:,} |" in own.read_text()
    assert cli.main([*words, "-o", str(own), "--check"]) == 0


@pytest.mark.parametrize(
    "words, message",
    (
        (["--preset", "huge"], "tiny, paper"),
        (["--speed", "--check"], "--speed goes without"),
        (["--json", "/not/there/rows.json"], "/not/there"),
        (["-o", "/not/there/page.md"], "cannot be read"),
    ),
)
def test_wrong_words(words, message, capsys):
    assert cli.main(["bench", "core", *words]) in (1, 2)
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_a_page_without_the_line(tmp_path, capsys):
    own = tmp_path / "page.md"
    own.write_text("nothing\n")
    assert cli.main(["bench", "core", "-o", str(own)]) == 1
    assert MARK in capsys.readouterr().err


def test_a_page_has_the_rows_below_the_line():
    text = page(f"above\n{MARK}\nbelow", [ROW])
    assert text.startswith(f"above\n{MARK}\n\n| program")
    assert text.endswith("| " + " | ".join(texts(ROW)) + " |\n")
    assert "| 8 | 7 | 5 | 10 | 1 | 0 | 130 | -0.76% |" in text


def test_the_reference_page_is_current():
    """The whole table, on the RTL, in a process of its own."""
    words = [sys.executable, "-m", "heed.cli.main", "bench", "core", "--check"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
