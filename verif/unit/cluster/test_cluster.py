"""Cluster: its parts are there under stable names, and it converts for synthesis."""

import dataclasses
import re

import pytest

from hw.cluster.cluster import Cluster, HartMonitor, Strobe
from hw.config import ConfigError, TcdmConfig
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.configs import BETWEEN


@pytest.mark.parametrize(
    "config",
    [TINY, BETWEEN["narrow"], BETWEEN["square"], pytest.param(PAPER, marks=pytest.mark.slow)],
    ids=lambda config: config.name,
)
def test_converts(config):
    """All presets, and some between them, become Verilog without simulation constructs."""
    text = to_verilog(Cluster(config=config), name="cluster")
    for hart in range(config.harts):
        assert re.search(rf"\\cluster\.core_{hart} +core_{hart} ", text)
    for part in ("tcdm", "engine", "events", "devices", "host"):
        assert re.search(rf"\\cluster\.{part} +{part} ", text)
    assert "heed_main_memory" not in text
    for module in ("cluster", r"\cluster.core_0 "):
        _, _, ports = text.partition(f"module {module}(")
        ports, _, _ = ports.partition(");")
        assert "fetch" in ports and "monitor" not in ports
    assert "[-1:0]" not in text
    assert "$display" not in text and "assert" not in text.lower()


def test_monitors_only_on_request():
    assert not hasattr(Cluster(config=TINY), "monitor")
    assert len(Cluster(config=TINY, monitored=True).monitor) == TINY.harts


def test_a_scratchpad_that_reaches_into_the_devices_is_refused():
    config = dataclasses.replace(TINY, tcdm=TcdmConfig(banks=32, bank_bytes=65536))
    with pytest.raises(ConfigError, match="is 2097152, but a cluster's devices leave it 1048576"):
        Cluster(config=config)


def test_signatures_compare_by_value():
    assert Strobe(8) == Strobe(8) != Strobe(32)
    assert HartMonitor() == HartMonitor() != Strobe(8)
    assert repr(Strobe(8)) == "Strobe(8)" and repr(HartMonitor()) == "HartMonitor()"
