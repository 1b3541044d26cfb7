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


def find_config(name: str) -> ClusterConfig:
    """Return a preset, or a configuration of `BETWEEN`, by its name."""
    return CONFIGS[name]
