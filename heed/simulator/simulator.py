"""Runs programs on a built simulator."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from heed.errors import HeedError
from heed.simulator.build import TRACING, Build, Report, build
from heed.simulator.elf import Program, check_run
from heed.simulator.library import iss_library
from heed.simulator.records import RecordPipe
from heed.simulator.result import MAX_CYCLES, Divergence, RunResult, Trap
from heed.simulator.waves import write_save_files
from hw.config import ClusterConfig
from sw_model.iss.iss import Retired

_NO_TOHOST = 1


class Simulator:
    """The native simulator of one configuration."""

    def __init__(
        self,
        config: ClusterConfig,
        built: Build,
        waves: bool,
        tracing: bool = False,
        progress: Report | None = None,
    ):
        self.config = config
        self.waves = waves
        self.tracing = tracing
        self._built = built
        self._progress = progress or _ignore

    @classmethod
    def build(
        cls,
        config: ClusterConfig,
        waves: bool = False,
        progress: Report | None = None,
        tracing: bool = False,
    ) -> "Simulator":
        """Return the simulator of `config`; builds it unless it is in the cache.

        Parameters
        ----------
        config
        waves
            Whether runs can write waveforms; a build of its own, slower.
        progress
            Gets a line of text at each step of a build.
        tracing
            Whether runs can hand out and compare every instruction; a build of its own, a
            little slower.

        Raises
        ------
        HeedError
            A tool is missing or fails.
        """
        design = TRACING if tracing else None
        built = build(config, waves=waves, progress=progress or _ignore, design=design)
        return cls(config, built, waves, tracing, progress)

    def run(
        self,
        elf: str | Path | Program,
        *,
        harts: int = 1,
        max_cycles: int = MAX_CYCLES,
        loads: Iterable[tuple[int, bytes]] = (),
        dumps: Sequence[tuple[int, int]] = (),
        snapshots: bool = False,
        console: Callable[[bytes], None] | None = None,
        waves: tuple[str | Path, int | None, int | None] | None = None,
        trace: Callable[[int, Retired], None] | None = None,
        lockstep: bool = False,
    ) -> RunResult:
        """Run a program until it ends, `max_cycles` have passed or a trap finds no handler.

        Parameters
        ----------
        elf
            Path of the program, or one already read.
        harts
            How many start, from hart 0 on.
        max_cycles
        loads
            Address and bytes of more data to place in memory, after the program's own.
        dumps
            Address and length of ranges of memory to return.
        snapshots
            Whether to return the TCDM at each mailbox word with bit 31 set.
        console
            Gets the bytes written to the console as they come.
        waves
            Waveform file to write, first and last cycle (None: from the start, to the end); save
            files for GTKWave and Surfer are written beside it.
        trace
            Gets hart and record of every instruction, in a thread of its own.
        lockstep
            Whether to compare every instruction with the instruction-set simulator.

        Raises
        ------
        HeedError
            The program cannot run on this cluster, an argument is out of range, or a file cannot
            be written.
        Divergence
            The comparison found a difference.
        """
        loads = list(loads)
        program = check_run(elf, self.config, harts, max_cycles, loads, dumps)
        if (trace or lockstep) and not self.tracing:
            raise HeedError("this simulator was built without tracing")
        library = iss_library(self._progress) if lockstep else None
        with tempfile.TemporaryDirectory(prefix="heed-") as name:
            folder = Path(name)
            command = [
                str(self._built.binary),
                *("--start", hex((1 << harts) - 1)),
                *("--boot", hex(program.entry)),
                *("--tohost", hex(_NO_TOHOST if program.tohost is None else program.tohost)),
                *("--max-cycles", str(max_cycles)),
                *("--result", str(folder / "result.json")),
            ]
            for number, (address, data) in enumerate([*program.segments, *loads]):
                file = folder / f"load_{number}"
                file.write_bytes(data)
                command += ["--load", hex(address), str(file)]
            for number, (address, length) in enumerate(dumps):
                command += ["--dump", hex(address), str(length), str(folder / f"dump_{number}")]
            if snapshots:
                (folder / "snapshots").mkdir()
                command += ["--snapshots", str(folder / "snapshots")]
            if library:
                command += ["--lockstep", str(library)]
            if waves:
                command += self._wave_arguments(*waves, max_cycles)
            printed = _execute(command, console or _ignore, trace)
            if waves:
                write_save_files(Path(waves[0]))
            return _collect(folder, printed, len(dumps))

    def _wave_arguments(
        self, file: str | Path, first: int | None, last: int | None, max_cycles: int
    ) -> list[str]:
        if not self.waves:
            raise HeedError("this simulator was built without waves")
        first = first or 0
        last = max_cycles if last is None else last
        if not 0 <= first <= last:
            raise HeedError(f"waves from cycle {first} to {last}: the first must not be the later")
        if not os.access(Path(file).absolute().parent, os.W_OK):
            raise HeedError(f"cannot write {file}: its folder is not there or not writable")
        return ["--vcd", str(file), str(first), str(last)]


def _ignore(_: object) -> None:
    pass


def _execute(
    command: list[str],
    console: Callable[[bytes], None],
    trace: Callable[[int, Retired], None] | None,
) -> bytes:
    """Run the simulator, hand on what it prints and traces, and return all that it printed."""
    if trace is None:
        return _listen(command, console)
    with RecordPipe(trace) as pipe:
        return _listen([*command, "--trace", f"/dev/fd/{pipe.end}"], console, pipe)


def _listen(
    command: list[str], console: Callable[[bytes], None], pipe: RecordPipe | None = None
) -> bytes:
    printed = bytearray()
    try:
        running = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(pipe.end,) if pipe else (),
        )
    except OSError as error:
        raise HeedError(f"cannot start {command[0]}: {error.strerror}", "Run it again.") from None
    if pipe:
        pipe.started()
    with running as process:
        try:
            while data := os.read(process.stdout.fileno(), 65536):
                printed += data
                console(data)
        except BaseException:
            process.kill()
            raise
        complaint = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise HeedError(f"the simulator stopped with {process.returncode}: {complaint}")
    return bytes(printed)


def _collect(folder: Path, printed: bytes, dumps: int) -> RunResult:
    result = json.loads((folder / "result.json").read_text())
    mailbox = [(cycle, value) for cycle, value in result["mailbox"]]
    images = []
    while (file := folder / "snapshots" / f"{len(images)}.bin").exists():
        images.append(file.read_bytes())
    if result.get("report"):
        from sw_model.iss.lockstep import explain

        raise Divergence(explain(result["report"]).rstrip())
    trap = result["trap"]
    return RunResult(
        status=result["status"],
        cycles=result["cycles"],
        mailbox=mailbox,
        snapshots=images,
        dumps=[(folder / f"dump_{number}").read_bytes() for number in range(dumps)],
        pcs=result["pcs"],
        console=printed,
        seconds=result["seconds"],
        exited=result["exited"],
        trap=trap and Trap(**trap | {"interrupt": bool(trap["interrupt"])}),
        compared=result.get("compared"),
    )
