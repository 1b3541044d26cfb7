"""Prints how many requests a cycle the scratchpad serves: `python -m verif.unit.tcdm.throughput`.

Runs the gateware in Amaranth's simulator, checked like the tests: every master always asks, or
(for "bursty") about half of the time.
"""

from hw.presets import PRESETS
from hw.tcdm.tcdm import Tcdm
from verif.unit.tcdm.simulate import simulate

PATTERNS = ("uniform", "bursty", "beats", "hot_bank")


def main() -> None:
    """Print a table of both presets."""
    print("| preset | masters | banks | traffic | requests a cycle | of the bound | longest wait |")
    print("|---|---|---|---|---|---|---|")
    for preset in PRESETS.values():
        config, masters = preset.tcdm, preset.harts + preset.engine.ports
        for pattern in PATTERNS:
            board = simulate(Tcdm(config=config, masters=masters), pattern, cycles=600)
            rate = sum(board.granted) / board.cycles
            bound = 1 if pattern == "hot_bank" else min(masters, config.banks)
            print(
                f"| {preset.name} | {masters} | {config.banks} | {pattern} | {rate:.2f} |"
                f" {rate / bound:.0%} | {board.longest_wait} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
