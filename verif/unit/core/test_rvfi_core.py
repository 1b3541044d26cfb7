"""RvfiCore: the trace port with flat names, and everything else as the core has it."""

import re
from dataclasses import replace

import pytest

from hw.config import CoreConfig
from hw.core.core import Core
from hw.core.rvfi import EXTRA, MEMBERS
from hw.core.rvfi_core import RvfiCore
from hw.presets import TINY
from hw.verilog import to_verilog

CORES = {"smallest": CoreConfig.of(event_counters=0), "full": CoreConfig()}


def test_members():
    """The trace's members have RVFI's names and widths; the others are the core's own."""
    found = dict(RvfiCore(config=TINY).signature.members.items())
    for name, width in MEMBERS.items():
        assert found.pop(f"rvfi_{name}").shape == width
    for name, width in EXTRA.items():
        assert found.pop(f"heed_rvfi_{name}").shape == width
    assert found == dict(Core(config=TINY).signature.members.items())


@pytest.mark.parametrize("name", CORES)
def test_converts(name):
    text = to_verilog(RvfiCore(config=replace(TINY, core=CORES[name])), name="core")
    top = text.partition("module core(")[2].partition("endmodule")[0]
    for port in [f"rvfi_{name}" for name in MEMBERS] + [f"heed_rvfi_{name}" for name in EXTRA]:
        assert re.search(rf"^  output (\[\d+:0\] )?{port};$", top, re.MULTILINE), port
