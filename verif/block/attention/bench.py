"""Prints the engine's cycles for single jobs, every result compared with the model.

    python -m verif.block.attention.bench [--preset tiny|paper]

Cycles run from the doorbell's write to the event, with all ports let through in every cycle, and
with probability 0.9 and 0.5. The bound is what the array needs: an inner tile of a column group
takes as many cycles as it has rows, and no fewer than its weights need at 64 bytes a cycle.
"""

import argparse
import json
import tempfile
from pathlib import Path

from hw.presets import PRESETS, preset
from verif.lib.engine_top import EngineTop
from verif.lib.runner import run_tests


def linear(rows: int, columns: int, inner: int, heads: int = 1) -> dict:
    sizes = {"rows": rows, "columns": columns, "inner": inner, "heads": heads}
    return {"kind": "linear", **sizes}


def attention(rows: int, keys: int, inner: int, heads: int = 1) -> dict:
    return {**linear(rows, keys, inner, heads), "kind": "attention"}


WORK = {
    "paper": (
        linear(64, 64, 64),
        linear(64, 64, 512),
        linear(128, 128, 128),
        linear(128, 64, 384),
        attention(64, 64, 64),
        attention(128, 128, 64),
    ),
    "tiny": (
        linear(16, 16, 16),
        linear(16, 48, 48),
        linear(64, 64, 64),
        attention(16, 16, 16),
        attention(16, 16, 16, heads=3),
        attention(64, 64, 64),
    ),
}


def product_bound(engine, rows: int, columns: int, inner: int) -> int:
    """Return the cycles in which the array can do a product."""
    blocks = -(-rows // engine.tile)
    fetch = engine.units * engine.lanes // 64
    block_rows = [rows // blocks + (n < rows % blocks) for n in range(blocks)]
    steps = -(-columns // engine.units) * -(-inner // engine.lanes)
    return steps * sum(max(n, fetch) for n in block_rows)


def bound(engine, work: dict) -> int:
    rows, columns, inner = work["rows"], work["columns"], work["inner"]
    cycles = product_bound(engine, rows, columns, inner)
    if work["kind"] == "attention":
        cycles += product_bound(engine, rows, inner, columns)
    return cycles * work["heads"]


def measure(name: str) -> None:
    """Run a preset's jobs and print a table."""
    config = preset(name)
    work = WORK[name]
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "cycles.json"
        run_tests(
            EngineTop(config=config),
            top="top",
            test_module="verif.block.attention.tb_cycles",
            env={"PRESET": name, "WORK": json.dumps(work), "RESULT": str(result)},
        )
        rows = json.loads(result.read_text())
    print(f"preset {name}: {config.engine.macs} MACs a cycle")
    print(f"{'job':<28} {'bound':>7} {'cycles':>7} {'of bound':>9} {'0.9':>7} {'0.5':>7}")
    for job, row in zip(work, rows, strict=True):
        sizes = " x ".join(str(job[n]) for n in ("rows", "columns", "inner"))
        label = f"{job['kind']} {sizes}" + (f", {job['heads']} heads" * (job["heads"] > 1))
        least, cycles = bound(config.engine, job), row["1.0"]
        print(
            f"{label:<28} {least:>7} {cycles:>7} {least / cycles:>9.1%} "
            f"{row['0.9']:>7} {row['0.5']:>7}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=sorted(PRESETS), default="tiny")
    measure(parser.parse_args().preset)
