"""The firmware images of the project: what they are called and how each is made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from heed.toolchain import compile
from heed.toolchain.compiler import FIRMWARE
from hw.config import ClusterConfig

KERNELS, NETWORK = "kernels", "digits_vit"

DEFINES = {
    "busy": {"WORK": 1},
    "exit_code": {"CODE": 0},
    "tohost": {"CODE": 1, "ENDER": 0, "SECTION": '".data"'},
}
"""Macros of programs that do not compile without."""

NOWHERE = {"faults": ("jump", "main")}
"""Functions of a program that call where no code is, to try what traps."""


@dataclass(frozen=True)
class Recipe:
    """How an image is made.

    Parameters
    ----------
    name
        What it is called in tables.
    make
        Gives the ELF for a configuration.
    nowhere
        Functions that call where no code is, to try what traps.
    on
        The configuration that it is made for, of the preset's.
    """

    name: str
    make: Callable[[ClusterConfig], Path]
    nowhere: tuple[str, ...] = ()
    on: Callable[[ClusterConfig], ClusterConfig] = lambda config: config


def _kernels(config: ClusterConfig) -> Path:
    from heed.kernels import Cluster
    from heed.simulator.iss import IssSimulator

    return Cluster(IssSimulator(config)).elf


def _network(config: ClusterConfig) -> Path:
    from heed.flow.deploy import deploy
    from heed.zoo.digits_vit import load_graph

    return deploy(load_graph(), config).elf


def _radar(name: str, config: ClusterConfig) -> Path:
    """A network whose layers all run on the cores."""
    from heed.flow.deploy import deploy
    from heed.zoo.radar.networks import load_graph

    return deploy(load_graph(name), config, engine=False).elf


def _deep(config: ClusterConfig) -> ClusterConfig:
    from heed.bench.kernels import deep

    return deep(config)


def _program(source: Path, config: ClusterConfig) -> Path:
    return compile([source], config=config, defines=DEFINES.get(source.stem))


def project_images() -> list[Recipe]:
    """Return all images: the kernels, the bundled networks, programs of `apps` and `tests`."""
    found = [Recipe(KERNELS, _kernels), Recipe(NETWORK, _network)]
    found += [
        Recipe(f"radar {name}", partial(_radar, name), on=_deep)
        for name in ("cnn_tcn", "transformer")
    ]
    for folder in ("apps", "tests"):
        for source in sorted((FIRMWARE / folder).glob("*.c")):
            name = f"{folder}/{source.stem}"
            found.append(Recipe(name, partial(_program, source), NOWHERE.get(source.stem, ())))
    return found
