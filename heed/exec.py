"""Runs a bare RV32 program on the simulated cluster: the API behind `heed exec`."""

from collections.abc import Callable
from pathlib import Path

from heed.simulator import RunResult, Simulator, read_elf
from heed.simulator.simulator import MAX_CYCLES
from hw.config import ClusterConfig


def execute(
    program: str | Path,
    *,
    config: ClusterConfig,
    cores: int = 1,
    max_cycles: int = MAX_CYCLES,
    waves: tuple[Path, int | None, int | None] | None = None,
    console: Callable[[bytes], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> RunResult:
    """Run an ELF on the RTL of `config`, building its simulator first when needed.

    The program is checked before anything is built.

    Parameters
    ----------
    program
        Path of the ELF file.
    config
    cores
        How many harts start, from hart 0 on.
    max_cycles
        End of a run that does not end by itself, with status 124.
    waves
        Waveform file, first and last cycle.
    console
        Gets the bytes that the program writes to the console, as they come.
    progress
        Gets a line of text at each step of a build.

    Raises
    ------
    HeedError
        The program cannot run on this cluster, or a tool is missing.
    """
    loaded = read_elf(program, config)
    simulator = Simulator.build(config, waves=waves is not None, progress=progress)
    return simulator.run(loaded, harts=cores, max_cycles=max_cycles, waves=waves, console=console)
