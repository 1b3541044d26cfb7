"""Runs kernels: compiled for this computer, on the simulator core, or on the RTL."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heed.errors import HeedError
from heed.kernels.memory import Job, Memory
from heed.simulator.result import MAX_CYCLES
from heed.toolchain import compile, symbols
from heed.toolchain.compiler import FIRMWARE, kernel_sources
from heed.toolchain.compiler import KERNELS as KERNEL_FOLDER
from heed.toolchain.host import host_kernels
from heed.toolchain.kernels import KERNELS
from hw.config import ClusterConfig

if TYPE_CHECKING:
    from heed.simulator import Simulator
    from heed.simulator.iss import IssSimulator

STACK_BYTES = 2048
"""Stack of a hart, in TCDM."""

MOST_STEPS = 16
"""Jobs of a program."""

JOB_WORDS = max(len(fields) for fields in KERNELS.values())


@dataclass(frozen=True)
class KernelRun:
    """What a run left behind.

    Parameters
    ----------
    memory
        The operands' memory afterwards.
    ends
        Cycles from the start of the first job to the end of each one, barriers included; empty
        for this computer.
    """

    memory: bytes
    ends: tuple[int, ...] = ()

    @property
    def cycles(self) -> int:
        """Cycles of all jobs; 0 for this computer."""
        return self.ends[-1] if self.ends else 0


def run_on_host(image: np.ndarray, jobs: Sequence[Job], harts: int = 1) -> KernelRun:
    """Run jobs on this computer, the harts of each one after the other.

    Parameters
    ----------
    image
        Memory with the operands, `Memory.image`.
    jobs
        What runs, in order.
    harts
        Size of the team.
    """
    raw = np.empty(len(image) + 64, np.uint8)
    skip = -raw.ctypes.data % 64
    memory = raw[skip : skip + len(image)]
    memory[...] = image
    for job in jobs:
        host_kernels().call(job.kernel, job.fields(memory.ctypes.data), harts)
    return KernelRun(memory.tobytes())


def compute(
    build: Callable[..., Job],
    *operands,
    harts: int = 1,
    cluster: "Cluster | None" = None,
    **options,
) -> dict[str, np.ndarray]:
    """Return the results of one kernel by name.

    Parameters
    ----------
    build
        A function of `heed.kernels` that places operands: `linear.linear`, `norm.layernorm`, ...
    operands, options
        Its arguments behind the memory.
    harts
        Size of the team; handed on to those that set scratch aside.
    cluster
        Where it runs; on this computer when left out.

    Raises
    ------
    HeedError
        The operands do not fit the cluster, or the program fails.
    """
    memory = Memory()
    if "harts" in signature(build).parameters:  # it sets scratch aside for so many
        options["harts"] = harts
    job = build(memory, *operands, **options)
    image = memory.image()
    runs = cluster.run if cluster else run_on_host
    after = runs(image, [job], harts).memory
    return {name: place.view(after).copy() for name, place in job.results.items()}


class Cluster:
    """A program with all kernels, and a simulator that runs it.

    Parameters
    ----------
    simulator
        Of the RTL, or the simulator core.
    folder
        Of the kernels, when they are not the project's own.
    kernels
        Those that the program has, all when left out.
    """

    def __init__(
        self,
        simulator: "Simulator | IssSimulator",
        folder: Path = KERNEL_FOLDER,
        kernels: Iterable[str] = KERNELS,
    ):
        self.kernels = tuple(kernels)
        self.simulator = simulator
        self.config: ClusterConfig = simulator.config
        self.elf = compile(
            [FIRMWARE / "bench" / "kernels.c", *kernel_sources(folder)],
            config=self.config,
            defines={
                "KERNEL_TABLE": ", ".join(f"(kernel *){name}" for name in self.kernels),
                "JOB_WORDS": JOB_WORDS,
                "MOST_STEPS": MOST_STEPS,
            },
            kernels=folder,
            stack_bytes=STACK_BYTES,
        )
        self.names = symbols(self.elf)
        self.base = self.names["__tcdm_free"]

    @property
    def room(self) -> int:
        """Bytes for operands."""
        return self.names["__stack_bottom"] - self.base

    def run(
        self,
        image: np.ndarray,
        jobs: Sequence[Job],
        harts: int = 1,
        max_cycles: int = MAX_CYCLES,
    ) -> KernelRun:
        """Run jobs one after the other, with a barrier behind each.

        Parameters
        ----------
        image, jobs, harts
            As for `run_on_host`.
        max_cycles
            When the run is given up.

        Raises
        ------
        HeedError
            The operands do not fit, or the program fails.
        """
        if len(image) > self.room:
            raise HeedError(
                f"the operands take {len(image)} bytes, but {self.config.name} has {self.room}"
            )
        if not 1 <= len(jobs) <= MOST_STEPS:
            raise HeedError(f"{len(jobs)} jobs; a program has 1 to {MOST_STEPS}")
        words = np.zeros((MOST_STEPS, 1 + JOB_WORDS), "<u4")
        for job in jobs:
            if job.kernel not in self.kernels:
                raise HeedError(f"{job.kernel} is not in this program: {', '.join(self.kernels)}")
        for step, job in zip(words, jobs, strict=False):
            fields = job.fields(self.base)
            values = [fields[name] & 0xFFFFFFFF for name in KERNELS[job.kernel]]
            step[0] = self.kernels.index(job.kernel)
            step[1 : 1 + len(values)] = values
        run = self.simulator.run(
            self.elf,
            harts=harts,
            max_cycles=max_cycles,
            loads=[
                (self.base, image.tobytes()),
                (self.names["bench_steps"], words.tobytes()),
                (self.names["bench_count"], len(jobs).to_bytes(4, "little")),
            ],
            dumps=[(self.base, len(image)), (self.names["bench_ends"], 4 * len(jobs))],
        )
        if not run.exited:
            raise HeedError(f"the program did not end within {max_cycles} cycles")
        if run.status:
            raise HeedError(f"exit status {run.status}: {run.trap or 'the program failed'}")
        ends = np.frombuffer(run.dumps[1], "<u4")
        return KernelRun(run.dumps[0], tuple(map(int, ends)))
