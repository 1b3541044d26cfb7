"""`heed bench engine` on a small engine: rows, checks, other masters."""

import dataclasses
import json

import pytest

from heed.bench.engine import MARK, STALLS, _check_image, measure, page
from heed.bench.items import Case, Shape, encoder, encoder_case
from heed.cli import main as cli
from heed.errors import HeedError
from hw.bench.traffic import DMA_BYTES
from hw.config import TCDM_BASE
from hw.presets import TINY
from hw.regmap import DESCRIPTOR, STATUS_WORD
from sw_model.engine import EngineModel

SHAPE = Shape(16, 16, 16, 16)
JOBS = ["K", "Q", "V", "attention", "O", "F1", "F2"]


def rows(tmp_path, capsys, *words):
    """Run the command; return what it printed and the rows that it wrote."""
    file = tmp_path / "rows.json"
    command = ["bench", "engine", "--preset", "tiny", "--json", str(file), *words]
    assert cli.main(command) == 0
    return capsys.readouterr().out, json.loads(file.read_text())


def measured(case):
    return measure(case, TINY, 0, lambda _: None)


def test_a_shape(tmp_path, capsys):
    printed, (row,) = rows(tmp_path, capsys, "--shape", "16,16,16,16")
    assert row["name"] == "16,16,16,16" and row["preset"] == "tiny"
    assert row["macs"] == 8 * 16**3
    assert row["bound"] == 512 <= row["cycles"] < 2000
    assert row["utilisation"] == row["macs"] / (64 * row["cycles"])
    assert list(row["ends"]) == JOBS
    ends = list(row["ends"].values())
    assert ends == sorted(ends) and ends[-1] == row["cycles"]
    assert row["published"] is None and "traffic" not in row
    for text in ("16,16,16,16", f"{row['cycles']:,}", f"{row['utilisation']:.1%}", *STALLS):
        assert text in printed


def test_stall_causes_add_up_to_the_busy_cycles():
    row = measured(encoder_case(SHAPE))
    assert tuple(row.stalls) == STALLS
    assert row.active + sum(row.stalls.values()) == row.busy
    assert row.cycles - 8 <= row.busy <= row.cycles + 8
    assert row.bound <= row.active < row.busy, "the smallest step takes a cycle of the bound"
    assert row.read > 0 and row.written * 8 >= 4 * 16 * 16
    assert measured(encoder_case(SHAPE)) == row, "cycles repeat"


def test_several_shapes_heads_and_refusals(tmp_path, capsys):
    words = ["--shape", "16,16,16,16", "--shape", "9,7,5,11", "--heads", "2", "--seed", "5"]
    _, once = rows(tmp_path, capsys, *words)
    _, often = rows(tmp_path, capsys, *words, "--grant", "0.5")
    assert [row["name"] for row in once] == ["16,16,16,16 H=2", "9,7,5,11 H=2"]
    assert [row["name"] for row in often] == ["16,16,16,16 H=2@grant0.5", "9,7,5,11 H=2@grant0.5"]
    for row, slow in zip(once, often, strict=True):
        assert slow["cycles"] > row["cycles"] and slow["macs"] == row["macs"]


def test_other_masters(tmp_path, capsys):
    printed, (row,) = rows(tmp_path, capsys, "--shape", "16,16,16,16", "--traffic")
    assert row["name"] == "16,16,16,16@traffic"
    traffic = row["traffic"]
    assert traffic["wait_bound"] == 4 + 8 + 2 - 1
    assert 0 < traffic["core_wait"] <= traffic["wait_bound"]
    assert 0 < traffic["dma_wait"] <= traffic["wait_bound"]
    assert traffic["dma_rate"] > 4, "eight lanes share eight banks with the others"
    assert traffic["core_rate"] > 0.3
    assert f"at most {traffic['dma_wait']} cycles" in printed
    assert row["cycles"] > measured(encoder_case(SHAPE)).cycles


def test_too_long_waits_are_reported(monkeypatch):
    monkeypatch.setattr("heed.bench.engine.DMA_LANES", -20)
    with pytest.raises(HeedError, match="another master waited .* but the bound is -15"):
        measured(encoder_case(SHAPE, traffic=True))


def changed(change):
    """Return a case whose work item is changed on its way."""
    return Case("changed", lambda config, seed: change(encoder(config, seed, SHAPE)))


def with_field(work, job, **fields):
    """Return a work item with other fields in the descriptor of a job."""
    image, address = bytearray(work.image), work.doorbell
    for _ in range(job):
        offset = address - TCDM_BASE
        address = DESCRIPTOR.unpack(work.image[offset : offset + DESCRIPTOR.bytes])["next"]
    offset = address - TCDM_BASE
    end = offset + DESCRIPTOR.bytes
    image[offset:end] = DESCRIPTOR.pack(**DESCRIPTOR.unpack(work.image[offset:end]) | fields)
    return dataclasses.replace(work, image=bytes(image))


def test_a_page_gets_its_table(tmp_path, capsys):
    file = tmp_path / "page.md"
    file.write_text(f"# Title\n\nText.\n\n{MARK}\n\nold\n")
    _, (row,) = rows(tmp_path, capsys, "--shape", "16,16,16,16", "-o", str(file))
    head, _, table = file.read_text().partition(MARK)
    assert head == "# Title\n\nText.\n\n" and "old" not in table
    lines = table.strip().splitlines()
    assert len(lines) == 3 and len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| 16,16,16,16 | 32,768 |") and f"{row['cycles']:,}" in lines[2]
    with pytest.raises(HeedError, match="has no line"):
        page("# Another page\n", [])


def test_a_faulty_job_is_reported():
    case = changed(lambda work: with_field(work, 2, version=9))
    with pytest.raises(HeedError, match="changed on tiny: BAD_VERSION of the descriptor at 0x1000"):
        measured(case)


def test_a_job_that_does_not_end_is_reported():
    case = changed(lambda work: dataclasses.replace(work, jobs=(*work.jobs, "eighth")))
    with pytest.raises(HeedError, match=r"eighth did not end \(job 8\)"):
        measured(case)


def test_differences_are_found():
    """In any byte but the status words' cycles and what belongs to the other masters."""
    work = encoder(TINY, 0, SHAPE)
    good = bytearray(work.image)
    results = EngineModel(work.config).run(good, work.doorbell)
    assert _check_image(good, work) is None
    cycles = results[3].status_address - TCDM_BASE + STATUS_WORD.bytes // 2
    for place, harmless in (
        (cycles, True),
        (cycles - 1, False),
        (len(good) - DMA_BYTES, True),
        (len(good) - DMA_BYTES - 1, False),
        (0, False),
    ):
        got = bytearray(good)
        got[place] ^= 0x40
        problem = _check_image(got, work)
        assert (problem is None) == harmless
        assert (
            harmless
            or f"1 bytes differ from the model, the first at {TCDM_BASE + place:#x}" in (problem)
        )


def test_failures_do_not_hide_the_other_rows(monkeypatch, capsys, tmp_path):
    from heed.bench import items

    bad = changed(lambda work: with_field(work, 0, version=9))
    monkeypatch.setattr(items, "CASES", (bad, encoder_case(SHAPE)))
    file = tmp_path / "rows.json"
    assert cli.main(["bench", "engine", "--preset", "tiny", "--json", str(file)]) == 1
    out, err = capsys.readouterr()
    assert [row["name"] for row in json.loads(file.read_text())] == ["16,16,16,16"]
    assert "16,16,16,16" in out and "BAD_VERSION" in err.splitlines()[-1]
