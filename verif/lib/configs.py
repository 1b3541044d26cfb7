"""Configurations between the presets, for the tests that any of them must pass."""

from hw.config import ClusterConfig, EngineConfig, TcdmConfig
from hw.presets import PRESETS

BETWEEN = {
    config.name: config
    for config in (
        ClusterConfig(
            name="narrow",
            workers=1,
            control_core=False,
            tcdm=TcdmConfig(banks=4, bank_bytes=8192),
            engine=EngineConfig(units=2, lanes=16, queue_depth=8),
            main_bytes=1 << 20,
        ),
        ClusterConfig(
            name="square",
            workers=3,
            control_core=True,
            tcdm=TcdmConfig(banks=2, bank_bytes=65536),
            engine=EngineConfig(units=16, lanes=16),
            main_bytes=4 << 20,
        ),
        ClusterConfig(
            name="half",
            workers=4,
            control_core=False,
            tcdm=TcdmConfig(banks=16, bank_bytes=65536),
            engine=EngineConfig(units=8, lanes=32, queue_depth=16),
        ),
    )
}


CONFIGS = PRESETS | BETWEEN

SIZES = (
    "4x16",
    "8x16",
    "16x16",
    "4x32",
    "8x32",
    "16x32",
    "32x32",
    "4x64",
    "8x64",
    "16x64",
    "32x64",
)
"""N x M of engines: the smallest, the largest and what is between."""


def sized(size: str) -> ClusterConfig:
    """Return a configuration of an engine of N units and M lanes, `size` "NxM", on 32 banks."""
    units, lanes = map(int, size.split("x"))
    return ClusterConfig(
        name=f"engine_{size}",
        tcdm=TcdmConfig(banks=32, bank_bytes=32768),
        engine=EngineConfig(units=units, lanes=lanes),
    )


def find_config(name: str) -> ClusterConfig:
    """Return a preset, a configuration of `BETWEEN`, or one of an engine's size, by its name."""
    return CONFIGS[name] if name in CONFIGS else sized(name)
