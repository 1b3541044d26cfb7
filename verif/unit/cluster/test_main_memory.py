"""MainMemory converts; what it does is seen by every program of verif/system/test_exec.py."""

import pytest

from hw.cluster.main_memory import MAIN_MEMORY_SOURCES, MainMemory
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_converts(config):
    text = to_verilog(MainMemory(config=config), name="memory")
    assert "heed_main_memory #(" in text
    assert "module heed_main_memory" in MAIN_MEMORY_SOURCES[0].read_text()
