"""Runs a bare RV32 program on a cluster, simulated in either way: the API behind `heed exec`."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from heed.errors import HeedError
from heed.simulator import Program, RunResult, Simulator, read_elf
from heed.simulator.iss import IssSimulator
from heed.simulator.result import MAX_CYCLES
from heed.simulator.signature import signature_range, write_signature
from heed.simulator.trace import TraceFile
from heed.targets import TARGETS
from hw.config import ClusterConfig


def execute(
    program: str | Path,
    *,
    config: ClusterConfig,
    target: str = "rtl",
    cores: int = 1,
    max_cycles: int = MAX_CYCLES,
    signature: str | Path | None = None,
    trace: str | Path | None = None,
    lockstep: bool = False,
    waves: tuple[Path, int | None, int | None] | None = None,
    console: Callable[[bytes], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> RunResult:
    """Run an ELF on a cluster of `config`, building its simulator first when needed.

    The program is checked before anything is built.

    Parameters
    ----------
    program
        Path of the ELF file.
    config
    target
        One of `TARGETS`.
    cores
        How many harts start, from hart 0 on.
    max_cycles
        End of a run that does not end by itself, with status 124.
    signature
        File that gets the program's signature when the run is over, however it ended.
    trace
        File that gets a line an instruction.
    lockstep
        Whether to compare every instruction with the instruction-set simulator; on the RTL only.
    waves
        Waveform file, first and last cycle; on the RTL only.
    console
        Gets the bytes that the program writes to the console, as they come.
    progress
        Gets a line of text at each step of a build.

    Raises
    ------
    HeedError
        The program cannot run on this cluster, a tool is missing, a file cannot be written, or
        the program has no signature but one was asked for.
    Divergence
        The RTL did something else than the instruction-set simulator.
    """
    if target not in TARGETS:
        raise HeedError(f"target is {target!r}, but must be one of: {', '.join(TARGETS)}", status=2)
    if waves and target != "rtl":
        raise HeedError(f"waves need target rtl, but target is {target}", status=2)
    if lockstep and target != "rtl":
        raise HeedError(f"lockstep needs target rtl, but target is {target}", status=2)
    loaded = read_elf(program, config)
    dumps = [signature_range(loaded, str(program), config)] if signature else []
    with TraceFile(trace) if trace else nullcontext() as lines:
        result = _runner(target, config, waves, lines is not None, lockstep, progress)(
            loaded, harts=cores, max_cycles=max_cycles, dumps=dumps, console=console, trace=lines
        )
    if signature:
        write_signature(signature, result.dumps[0])
    return result


def _runner(
    target: str,
    config: ClusterConfig,
    waves: tuple[Path, int | None, int | None] | None,
    tracing: bool,
    lockstep: bool,
    progress: Callable[[str], None] | None,
) -> Callable[..., RunResult]:
    if target == "iss":
        return IssSimulator(config, progress).run
    simulator = Simulator.build(
        config, waves=waves is not None, progress=progress, tracing=tracing or lockstep
    )

    def run(program: Program, **options) -> RunResult:
        return simulator.run(program, waves=waves, lockstep=lockstep, **options)

    return run
