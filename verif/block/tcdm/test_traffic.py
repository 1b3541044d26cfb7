"""The scratchpad under random traffic, on Verilator and on Icarus."""

import pytest

from hw.config import TcdmConfig
from hw.presets import TINY
from hw.tcdm.tcdm import Tcdm
from verif.lib.runner import have_icarus, run_tests
from verif.lib.tcdm_flat import FlatTcdm

HASHED = TcdmConfig(banks=16, bank_bytes=512)


@pytest.mark.parametrize("config, masters", [(TINY.tcdm, 6), (HASHED, 5)], ids=["tiny", "hashed"])
def test_traffic(config, masters):
    run_traffic(config, masters, cycles=3000)


def test_traffic_on_icarus():
    """The same bench where unknown values would show."""
    if not have_icarus():
        pytest.skip("iverilog is not on PATH (package iverilog)")
    run_traffic(HASHED, 5, cycles=500, simulator="icarus")


def run_traffic(config, masters, *, cycles, simulator="verilator"):
    env = {
        "BANKS": config.banks,
        "BANK_BYTES": config.bank_bytes,
        "MASTERS": masters,
        "CYCLES": cycles,
    }
    run_tests(
        FlatTcdm(Tcdm(config=config, masters=masters)),
        top="top",
        test_module="verif.block.tcdm.tb_traffic",
        env={name: str(value) for name, value in env.items()},
        simulator=simulator,
    )
