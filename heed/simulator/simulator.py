"""Runs programs on a built simulator."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from heed.errors import HeedError
from heed.simulator.build import Build, Report, build
from heed.simulator.elf import Program, check_range, read_elf
from heed.simulator.waves import write_save_files
from hw.config import ClusterConfig

MAX_CYCLES = 50_000_000
TIMED_OUT = 124
"""Status of a run that `max_cycles` ended."""
_NO_TOHOST = 1


@dataclass(frozen=True)
class RunResult:
    """What a run did.

    Attributes
    ----------
    status
        0 to 255 as the program said, or 124 when the cycles ran out.
    cycles
        Clock cycles from the start of the harts to the end, that of the ending store included.
    mailbox
        Cycle and value of each word written to the mailbox.
    snapshots
        The whole TCDM at each mailbox word with bit 31 set, if asked for.
    dumps
        The bytes of each range asked for, at the end.
    pcs
        Address of the instruction that each hart retired last; 0 for a hart that was not started.
    console
        Everything written to the console.
    seconds
        Host time that the cycles took.
    exited
        The program ended the run, not `max_cycles`.
    """

    status: int
    cycles: int
    mailbox: list[tuple[int, int]]
    snapshots: list[bytes]
    dumps: list[bytes]
    pcs: list[int]
    console: bytes
    seconds: float
    exited: bool

    @property
    def khz(self) -> float:
        """Simulated cycles a millisecond of host time."""
        return self.cycles / self.seconds / 1000 if self.seconds else 0.0


class Simulator:
    """The native simulator of one configuration."""

    def __init__(self, config: ClusterConfig, built: Build, waves: bool):
        self.config = config
        self.waves = waves
        self._built = built

    @classmethod
    def build(
        cls, config: ClusterConfig, waves: bool = False, progress: Report | None = None
    ) -> "Simulator":
        """Return the simulator of `config`; builds it unless it is in the cache.

        Parameters
        ----------
        config
        waves
            Whether runs can write waveforms; a build of its own, slower.
        progress
            Gets a line of text at each step of a build.

        Raises
        ------
        HeedError
            A tool is missing or fails.
        """
        return cls(config, build(config, waves=waves, progress=progress or _ignore), waves)

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
    ) -> RunResult:
        """Run a program until it ends or `max_cycles` have passed.

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

        Raises
        ------
        HeedError
            The program cannot run on this cluster, an argument is out of range, or a file cannot
            be written.
        """
        program = elf if isinstance(elf, Program) else read_elf(elf, self.config)
        if not 1 <= harts <= self.config.harts:
            raise HeedError(
                f"harts is {harts}, but preset {self.config.name} has 1 to {self.config.harts}"
            )
        if max_cycles < 1:
            raise HeedError(f"max_cycles is {max_cycles}, but must be 1 or more")
        loads = list(loads)
        for address, data in loads:
            check_range("data to load", address, len(data), self.config)
        for address, length in dumps:
            check_range("data to dump", address, length, self.config)
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
            if waves:
                command += self._wave_arguments(*waves, max_cycles)
            printed = _execute(command, console or _ignore)
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


def _execute(command: list[str], console: Callable[[bytes], None]) -> bytes:
    """Run the simulator, hand on what the program prints, and return all of it."""
    printed = bytearray()
    try:
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise HeedError(f"cannot start {command[0]}: {error.strerror}", "Run it again.") from None
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
    )
