"""What jobs of the engine do to memory, and which WAIT flags that makes necessary."""

from dataclasses import dataclass

import numpy as np

from hw.config import TCDM_BASE
from hw.regmap import TABLE_BYTES, Kind
from verif.lib.engine_jobs import Image, Job, is_in_place, is_joined, records, shapes

READ, WRITTEN = "xwr", "ys"


def _mark(bytes_of: np.ndarray, base: int, starts: np.ndarray, size: int) -> None:
    bytes_of[(base - TCDM_BASE + starts[:, None] + np.arange(size)).ravel()] = True


def areas(job: Job) -> dict[str, np.ndarray]:
    """Return {name: which bytes of the TCDM} of what a job reads and writes.

    Names are those of operands and "p" for entries and table.
    """
    f = job.fields
    found = {}
    for name, (rows, size) in shapes(f).items():
        heads = np.arange(f["heads"])[:, None] * f[f"{name}_head_stride"]
        starts = (heads + np.arange(rows) * f[f"{name}_row_stride"]).ravel()
        found[name] = np.zeros(len(job.image.bytes), bool)
        _mark(found[name], f[f"{name}_base"], np.unique(starts), size)
    found["p"] = np.zeros(len(job.image.bytes), bool)
    layout, count = records(f)
    if count:
        _mark(found["p"], f["param_base"], np.zeros(1, int), layout.bytes * count)
    if f.get("use_table"):
        _mark(found["p"], f["table_base"], np.zeros(1, int), TABLE_BYTES)
    return found


def writes_overlap(job: Job) -> bool:
    """Whether what a job writes overlaps itself or what it reads: undefined but for R in place."""
    f, found = job.fields, areas(job)
    for name in found.keys() & set(WRITTEN):
        shared = name == "s" and f["s_head_stride"] == 0
        rows, size = shapes(f)[name]
        if found[name].sum() < (1 if shared else f["heads"]) * rows * size:
            return True
        for other in found.keys() - {name}:
            in_place = (name, other) == ("y", "r") and is_in_place(f)
            if not in_place and (found[name] & found[other]).any():
                return True
    return False


def flags_that_order(f: dict[str, int]) -> set[str]:
    """Return the operands whose WAIT flag holds back everything that a job writes."""
    if f["kind"] == Kind.ATTENTION:
        return {"x", "w", "p"}
    flags = {"x"}
    if f["kind"] == Kind.LINEAR:
        flags |= {"w"}
    if is_joined(f):
        flags |= {"r"}
    if records(f)[1]:
        flags |= {"p"}
    return flags


@dataclass
class Past:
    """What the jobs queued so far do to memory."""

    read: np.ndarray
    written: np.ndarray
    unordered: np.ndarray  # bytes written by jobs that no WAIT flag has ordered since

    @classmethod
    def of(cls, image: Image) -> "Past":
        return cls(*(np.zeros(len(image.bytes), bool) for _ in range(3)))

    def queue(self, job: Job) -> None:
        """Set the flags that the job needs and a few others; then it belongs to the past."""
        rng, f, found = job.image.rng, job.fields, areas(job)
        job.needs = {name for name in "xwrp" if (found.get(name, False) & self.written).any()}
        for name in "xwrp":
            f[f"wait_{name}"] = int(name in job.needs or rng.random() < 0.08)
        result = found["y"] | found.get("s", False)
        job.covers = {"read"} if (result & self.read).any() else set()
        if (result & self.written).any():
            job.covers.add("written")
        ordering = flags_that_order(f)
        if (result & self.unordered).any() and not any(f[f"wait_{n}"] for n in ordering):
            f[f"wait_{rng.choice(sorted(ordering))}"] = 1
        if any(f[f"wait_{name}"] for name in ordering):
            self.unordered[:] = False
        self.unordered |= result
        self.written |= result
        for name in found.keys() & {*READ, "p"}:
            self.read |= found[name]
        job.store()
