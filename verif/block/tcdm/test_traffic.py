"""The scratchpad under random traffic and shared counters, on Verilator and on Icarus."""

import pytest

from hw.config import TcdmConfig
from hw.presets import TINY
from hw.tcdm.tcdm import Tcdm
from verif.lib.runner import have_icarus, run_tests
from verif.lib.tcdm_flat import FlatTcdm

HASHED = TcdmConfig(banks=16, bank_bytes=512)


@pytest.mark.parametrize(
    "config, masters, harts", [(TINY.tcdm, 6, 2), (HASHED, 5, 3)], ids=["tiny", "hashed"]
)
def test_traffic(config, masters, harts):
    run_traffic(config, masters, harts, cycles=3000)


def test_traffic_on_icarus():
    """The same bench where unknown values would show."""
    if not have_icarus():
        pytest.skip("iverilog is not on PATH (package iverilog)")
    run_traffic(HASHED, 5, 3, cycles=500, simulator="icarus")


def run_traffic(config, masters, harts, *, cycles, simulator="verilator"):
    env = {
        "BANKS": config.banks,
        "BANK_BYTES": config.bank_bytes,
        "MASTERS": masters,
        "HARTS": harts,
        "CYCLES": cycles,
    }
    run_tests(
        FlatTcdm(Tcdm(config=config, masters=masters, harts=harts)),
        top="top",
        test_module="verif.block.tcdm.tb_traffic",
        env={name: str(value) for name, value in env.items()},
        simulator=simulator,
    )
