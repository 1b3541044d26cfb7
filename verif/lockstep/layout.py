"""The small cluster that random programs run on, and what lies where in its memories."""

from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE, ClusterConfig, EngineConfig, TcdmConfig
from hw.regmap import EVENTS as EVENT_UNIT

CONFIG = ClusterConfig(
    name="lockstep",
    workers=2,
    control_core=False,
    tcdm=TcdmConfig(banks=8, bank_bytes=1024),
    engine=EngineConfig(units=4, lanes=16),
    main_bytes=1 << 20,
)
HARTS = CONFIG.harts

AREA_BYTES = 0x800
"""Of the data that a hart has for itself, once in TCDM and once in main memory."""

SHARED_BYTES = 64
"""Few words, so that harts meet."""

TCDM_SHARED = TCDM_BASE + 0x1000
TCDM_CODE_BYTES = 0x600
MAIN_CODE_BYTES = 0x40000
MAIN_SHARED = MAIN_BASE + 0xA0000
UNMAPPED = 0x4000_0000
EVENT_BASE = DEVICE_BASE + EVENT_UNIT.offset

HANDLER, DATA, MAIN, EVENTS, LINK, WALK, COUNT = 31, 30, 29, 28, 27, 26, 25
OFFSET, SHARED, SHARED_MAIN, BAD, LOOP, RETURN = 24, 23, 22, 21, 20, 19
"""Registers with a purpose; random instructions read them too, but do not write them.

HANDLER belongs to the trap handlers. DATA and MAIN point to the middle of the hart's own areas,
SHARED and SHARED_MAIN to words of all harts, EVENTS to the event unit, BAD to no memory. LINK is
where a fetch fault goes on, WALK a pointer set anew before each use, OFFSET a small number, COUNT
and LOOP count loops, RETURN is where a called block goes back to.
"""

FREE = range(1, RETURN)
"""Registers that random instructions write."""


def tcdm_area(hart: int) -> int:
    return TCDM_BASE + AREA_BYTES * hart


def main_area(hart: int) -> int:
    return MAIN_BASE + 0x80000 + 0x10000 * hart


def tcdm_code(hart: int) -> int:
    return TCDM_BASE + 0x1400 + TCDM_CODE_BYTES * hart


def main_code(hart: int) -> int:
    return MAIN_BASE + MAIN_CODE_BYTES * hart


def tohost(hart: int) -> int:
    """Where a hart stores 1 when it is done."""
    return MAIN_BASE + 0xB0000 + 4 * hart
