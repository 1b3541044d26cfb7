"""SimTop converts; what it does is seen by every program of verif/system/test_exec.py."""

import re

import pytest

from hw.cluster.sim_top import SimTop
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog


@pytest.mark.parametrize(
    "config", [TINY, pytest.param(PAPER, marks=pytest.mark.slow)], ids=lambda config: config.name
)
def test_converts(config):
    text = to_verilog(SimTop(config=config), name="sim_top")
    assert re.search(r"\\sim_top\.cluster +cluster ", text)
    assert re.search(r"\\sim_top\.main_memory +main_memory ", text)
    assert f".HARTS(32'd{config.harts})" in text
