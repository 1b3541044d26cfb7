"""Runs programs on the instruction-set simulator, as `Simulator` runs them on the RTL."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from heed.simulator.build import Report
from heed.simulator.elf import Program, check_run
from heed.simulator.library import iss_library
from heed.simulator.result import MAX_CYCLES, TRAPPED, RunResult, Trap
from heed.simulator.trace import Retired
from hw.config import TCDM_BASE, ClusterConfig

_INTERRUPT = 1 << 31
_SNAPSHOT = 1 << 31


class IssSimulator:
    """The instruction-set simulator of one configuration.

    Parameters
    ----------
    config
    progress
        Gets a line of text when the simulator is compiled for the first time.
    """

    def __init__(self, config: ClusterConfig, progress: Report | None = None):
        self.config = config
        self._progress = progress or (lambda text: None)

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
        trace: Callable[[int, Retired], None] | None = None,
    ) -> RunResult:
        """Run a program until it ends, `max_cycles` have passed or a trap finds no handler.

        The parameters are those of `Simulator.run`; cycles are an estimate. The simulator is
        compiled first, unless that was done before.

        Raises
        ------
        HeedError
            The program cannot run on this cluster, an argument is out of range, or the simulator
            cannot be compiled.
        """
        from sw_model.iss.iss import Iss

        loads = list(loads)
        program = check_run(elf, self.config, harts, max_cycles, loads, dumps)
        iss = Iss(self.config, iss_library(self._progress).parent)
        for address, data in [*program.segments, *loads]:
            iss.write(address, data)
        printed = bytearray()
        images = []

        def print_bytes(data: bytes) -> None:
            printed.extend(data)
            if console:
                console(data)

        def take_snapshot(cycle: int, word: int) -> None:
            if snapshots and word & _SNAPSHOT:
                images.append(iss.read(TCDM_BASE, self.config.tcdm.bytes))

        outcome = iss.run(
            program.entry,
            harts=harts,
            tohost=program.tohost,
            max_cycles=max_cycles,
            console=print_bytes,
            trace=trace,
            on_mailbox=take_snapshot,
        )
        trap = outcome.trap and Trap(
            hart=outcome.trap.hart,
            interrupt=bool(outcome.trap.cause & _INTERRUPT),
            cause=outcome.trap.cause & ~_INTERRUPT,
            pc=outcome.trap.pc,
            word=outcome.trap.insn,
            value=outcome.trap.value,
        )
        return RunResult(
            status=TRAPPED if trap else outcome.status,
            cycles=outcome.cycles,
            mailbox=list(outcome.mailbox),
            snapshots=images,
            dumps=[iss.read(address, length) for address, length in dumps],
            pcs=list(outcome.pcs),
            console=bytes(printed),
            seconds=outcome.seconds,
            exited=outcome.exited,
            trap=trap,
        )
