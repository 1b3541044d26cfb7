"""EngineTop: its parts under the names that test benches reach for."""

import re

import pytest

from hw.bench.engine_top import EngineTop
from hw.presets import TINY
from hw.verilog import to_verilog
from verif.lib.configs import BETWEEN


@pytest.mark.parametrize(
    ("config", "traffic"),
    [(TINY, False), (TINY, True), (BETWEEN["narrow"], True)],
    ids=["tiny", "tiny-traffic", "narrow-traffic"],
)
def test_converts(config, traffic):
    text = to_verilog(EngineTop(config=config, traffic=traffic), name="top")
    for part in ("engine", "tcdm", "throttle_0"):
        assert re.search(rf"\\top\.{part} +{part} ", text)
    assert re.search(r"\\top\.tcdm\.bank_1 +bank_1 ", text)
    assert bool(re.search(r"\\top\.traffic +traffic ", text)) == traffic
    assert len(re.findall(r"\\top\.throttle_\d+ +throttle", text)) == config.engine.ports
