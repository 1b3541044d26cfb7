"""Cycles of the same jobs on engines of several sizes: `python -m verif.block.attention.scaling`.

Each engine of N units and M lanes runs every case on the RTL; results are compared with the
model's. Beside the cycles is the share that the engine cannot do without: the larger one of what
the array takes (max(rows, N * M / 64) for each inner tile of M and group of N columns of a row
block; of LayerNorm a row's columns / N, at least 16), and of what its M / 4 ports take for the
words that are read and written.
"""

import argparse
import sys
from collections.abc import Sequence

from heed.bench.engine import Row, measure
from heed.bench.items import (
    Case,
    Shape,
    attention_case,
    encoder_case,
    layernorm_case,
    linear_case,
)
from hw.config import ClusterConfig
from verif.lib.configs import SIZES, sized

CASES = (
    linear_case(128, 128, 128),
    linear_case(100, 100, 100, residual=True),
    attention_case(2, 97, 32),
    layernorm_case(32, 512),
    encoder_case(Shape(64, 64, 64, 64)),
)


def text(row: Row, config: ClusterConfig) -> str:
    """Return a case's cycles and the share of them that the array or the ports need."""
    bound = max(row.bound, (row.read + row.written) / config.engine.ports)
    return f"{row.cycles} ({100 * bound / row.cycles:.1f} %)"


def run(sizes: Sequence[str], cases: Sequence[Case]) -> None:
    """Measure and print, a line a size, as a Markdown table."""
    print("| N x M | MACs a cycle | " + " | ".join(case.name for case in cases) + " |")
    print("| --- " * (len(cases) + 2) + "|")
    for config in map(sized, sizes):
        rows = [measure(case, config, 1, lambda _: None) for case in cases]
        engine = config.engine
        texts = [f"{engine.units} x {engine.lanes}", str(engine.macs)]
        texts += [text(row, config) for row in rows]
        print("| " + " | ".join(texts) + " |", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; a HeedError says what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", default=SIZES, help="e.g. 8x32")
    run(parser.parse_args(arguments).sizes, CASES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
