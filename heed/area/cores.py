"""What each extension of the core costs: one row a configuration."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from heed.area.report import Row, examine

if TYPE_CHECKING:
    from hw.config import ClusterConfig, CoreConfig


def configurations(full: "CoreConfig") -> "dict[str, CoreConfig]":
    """Return cores by name: the smallest, each extension by itself, all of them, the preset's own.

    All but the last are without event counters.
    """
    from hw.config import CORE_GROUPS, CoreConfig

    standard = ("m", "a")
    result = {
        "rv32i": CoreConfig.of(event_counters=0),
        "rv32im": CoreConfig.of("m", event_counters=0),
        "rv32ima": CoreConfig.of(*standard, event_counters=0),
    }
    for group in CORE_GROUPS:
        if group not in standard:
            result[f"rv32ima + {group}"] = CoreConfig.of(*standard, group, event_counters=0)
    result["all extensions"] = CoreConfig.of(*CORE_GROUPS, event_counters=0)
    result["full"] = full
    return result


def examine_cores(
    config: "ClusterConfig",
    folder: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Measure the core in each of `configurations`.

    Parameters
    ----------
    config : ClusterConfig
        The cluster whose core it is: its TCDM decides the width of addresses.
    folder : Path
        Where netlists are kept from one time to the next.
    progress : callable
        Called with a line of text now and then.

    Returns
    -------
    list of Row
        Named after the configurations.
    """
    from hw.core.core import Core

    rows = []
    for name, core in configurations(config.core).items():

        def report(text: str, name: str = name) -> None:
            progress(f"{name}: {text}")

        whole, *_ = examine(Core(config=replace(config, core=core)), "core", folder, report)
        rows.append(replace(whole, name=name))
    return rows
