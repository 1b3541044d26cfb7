"""Random operands for kernels, and kernels with a piece of their source replaced."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from heed.errors import HeedError
from heed.kernels import Cluster, Job, Memory, check
from heed.simulator.iss import IssSimulator
from heed.toolchain.compiler import KERNELS as KERNEL_FOLDER
from heed.toolchain.kernels import CoreEntries
from hw.config import ClusterConfig, CoreConfig
from hw.presets import TINY
from sw_model import ops
from sw_model.ops.check import LIMITS

Case = tuple[Memory, Job, dict[str, np.ndarray]]
"""Operands, a job on them, and its results as they should be."""


def draw(rng: np.random.Generator, shape, dtype: str) -> np.ndarray:
    """Return random elements; now and then only the extremes."""
    low, high = LIMITS[dtype]
    if rng.random() < 0.2:
        return rng.choice([low, high], shape).astype(dtype)
    scale = rng.choice([1, 16, 256, high + 1])
    return rng.integers(max(low, -scale), min(high, scale) + 1, shape).astype(dtype)


def draw_entry(rng: np.random.Generator, size: int, residual: bool = False) -> ops.Entry:
    """Return random entries: any, such as are around the edge of 32 bits, or such as fit them."""
    kind = rng.random()
    if kind < 0.6:
        low = 0 if kind < 0.4 else 17
        fields = {
            "mul": rng.integers(-(2**16), 2**16, size),
            "add": rng.integers(-(2**47), 2**47, size) >> rng.integers(low, 48, size),
            "shift": rng.integers(low, 32, size),
        }
        if residual:
            fields["rmul"] = rng.integers(-(2**16), 2**16, size)
            fields["rsh"] = rng.integers(0, 64, size) >> rng.integers(0, 3, size)
            if low:
                fields["mul"], fields["rmul"] = fields["mul"] >> 1, fields["rmul"] >> 1
                fields["rsh"] = 0
        return ops.Entry(**fields)
    bits = int(rng.integers(2, 17))
    shift = np.minimum(bits + rng.integers(0, 6, size), 31)
    fields = {
        "mul": rng.integers(-(2**bits), 2**bits, size),
        "add": rng.integers(-100, 101, size) * 2**shift + ((1 << shift) >> 1),
        "shift": shift,
    }
    if residual and rng.random() < 0.5:
        # A multiple of what the shift divides by.
        fields["rmul"] = rng.integers(-3, 4, size)
        fields["rsh"] = shift + rng.integers(0, 6, size)
    elif residual:
        fields["rmul"] = rng.integers(-(2**bits), 2**bits, size) >> 2
        fields["rsh"] = rng.integers(0, 3, size)
    return ops.Entry(**fields)


def draw_core(rng: np.random.Generator, size: int, bits: int) -> CoreEntries:
    """Return random entries in core form for sums of about `bits` bits; some biases are any."""
    mul = rng.integers(0, 2**16, size) >> rng.integers(0, 16)
    high = np.minimum(mul.max().item().bit_length() + bits - 6, 31)
    wild = rng.random() < 0.25
    return CoreEntries(
        bias=rng.integers(-(2**31), 2**31, size)
        >> (rng.integers(0, 31, size) if wild else 32 - bits),
        mul=mul,
        shift=np.clip(high + rng.integers(-3, 3, size), 0, 31),
        zero=rng.integers(-128, 128, size),
    )


def core_requantise(x: np.ndarray, entries: CoreEntries, dtype: str = "int8") -> np.ndarray:
    """Return what heed.rq gives: the bias joins modulo 2^32."""
    half = (1 << entries.shift) >> 1
    entry = ops.Entry(entries.mul, half + (entries.zero << entries.shift), entries.shift)
    return ops.requantise(ops.wrap32(x.astype(np.int64) + entries.bias), entry, dtype)


def small_program(
    folder: Path,
    kernels: Sequence[str],
    sources: Sequence[str],
    config: ClusterConfig = TINY,
    bug: tuple[str, str, str] | None = None,
) -> Cluster:
    """Return the simulator core of a configuration with a program of a few kernels only.

    Parameters
    ----------
    folder
        Where a copy of the sources goes.
    kernels, sources
        Their names, and the files that they need.
    config
    bug
        A file, a piece of its text that is there once, and what replaces it.
    """
    copy = folder / "kernels"
    for path in [*KERNEL_FOLDER.rglob("*.h"), *map(KERNEL_FOLDER.joinpath, sources)]:
        to = copy / path.relative_to(KERNEL_FOLDER)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(path.read_text())
    if bug:
        file, right, wrong = bug
        text = (copy / file).read_text()
        assert text.count(right) == 1, f"{right!r} is {text.count(right)} times in {file}"
        (copy / file).write_text(text.replace(right, wrong))
    return Cluster(IssSimulator(config), copy, kernels)


def run_case(cluster: Cluster, case: Case, harts: int) -> None:
    """Run a case; its result must be as wanted and no other byte may be written.

    Raises
    ------
    HeedError
        They differ, or the program fails.
    """
    memory, job, wanted = case
    image = memory.image()
    run = cluster.run(image, [job], harts, max_cycles=1_000_000)
    check(image, run.memory, [(job, wanted)])


SMALLER = {
    "no loops": CoreConfig(xcv_hwlp=False),
    "no vectors": CoreConfig(xcv_simd=False, xcv_mac=False),
    "no heed.rq": CoreConfig(xheed=False, xcv_alu=False),
    "m": CoreConfig.of("m"),
}
"""Cores without some of the extensions that the kernels use."""


def runs_on_smaller_core(
    folder: Path,
    core: str,
    sources: Sequence[str],
    cases: Mapping[str, Callable[[int, int, int], Case]],
) -> None:
    """Run a few cases of each kernel on one of SMALLER.

    Raises
    ------
    HeedError
        A result is wrong.
    """
    config = replace(TINY, core=SMALLER[core])
    kernels = [f"heed_{name}" for name in cases]
    cluster = small_program(folder, kernels, sources, config)
    for case in cases.values():
        for seed in range(4):
            run_case(cluster, case(seed, 3 + seed, 11 + 3 * seed), 1 + seed % 2)


def finds(
    folder: Path,
    kernels: Sequence[str],
    sources: Sequence[str],
    bug: tuple[str, str, str],
    cases: Iterable[Case],
) -> bool:
    """Whether a case fails on the simulator core once a bug is in the kernels.

    Parameters
    ----------
    folder, kernels, sources, bug
        See `small_program`.
    cases
        What runs until one fails, on one and two harts in turn; those of other kernels are left
        out.
    """
    cluster = small_program(folder, kernels, sources, bug=bug)
    for number, case in enumerate(case for case in cases if case[1].kernel in kernels):
        try:
            run_case(cluster, case, 2 - number % 2)
        except HeedError:
            return True
    return False


def finds_bug(
    folder: Path,
    kernel: str,
    sources: Sequence[str],
    bug: tuple[str, str, str],
    cases: Callable[[int], Case],
    count: int,
) -> bool:
    """Whether one of `count` cases, made of seeds, fails when the only kernel has a bug."""
    return finds(folder, [kernel], sources, bug, (cases(seed) for seed in range(count)))


def without(extension: str) -> ClusterConfig:
    """Return TINY with cores that lack an extension, or have M alone ("everything")."""
    core = CoreConfig.of("m") if extension == "everything" else CoreConfig(**{extension: False})
    return replace(TINY, core=core)
