"""Named configurations. Anything in between must elaborate and pass the same tests."""

from hw.config import ClusterConfig, ConfigError, EngineConfig, TcdmConfig

TINY = ClusterConfig(
    name="tiny",
    workers=2,
    control_core=False,
    tcdm=TcdmConfig(banks=8, bank_bytes=16384),
    engine=EngineConfig(units=4, lanes=16),
    main_bytes=64 << 20,
)
"""Builds in seconds; what most tests use."""

PAPER = ClusterConfig(
    name="paper",
    workers=8,
    control_core=True,
    tcdm=TcdmConfig(banks=32, bank_bytes=4096),
    engine=EngineConfig(units=16, lanes=64),
    main_bytes=64 << 20,
)
"""The machine of the papers: 8 + 1 cores, 16 x 64 MACs, 32 banks x 4 KiB."""

PRESETS = {config.name: config for config in (TINY, PAPER)}


def preset(name):
    """Return the preset called `name` (any case).

    Raises
    ------
    ConfigError
        When there is none of that name; lists the ones there are.
    """
    try:
        return PRESETS[name.lower()]
    except KeyError:
        raise ConfigError(
            f"no preset is called {name!r}; there are: {', '.join(PRESETS)}"
        ) from None
