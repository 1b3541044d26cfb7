"""Random jobs that work on one another's results, with the WAIT flags that this needs."""

from collections.abc import Callable

from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    TABLE_BYTES,
    ElementType,
    Kind,
)
from verif.lib.engine_hazards import Past, writes_overlap
from verif.lib.engine_jobs import (
    Full,
    Image,
    Job,
    may_be_in_place,
    random_job,
    records,
    shapes,
)
from verif.lib.engine_modes import ELEMENT_BYTES

PARTS = ("base", "row_stride", "head_stride")


def _limits(f: dict[str, int], name: str) -> tuple[str, str, int]:
    """Return the fields that say how many rows and elements an operand has, and bytes of these."""
    if f["kind"] == Kind.ATTENTION:
        rows, elements = {
            "x": ("rows", "inner"),
            "w": ("columns", "inner"),
            "r": ("inner", "columns"),
            "y": ("rows", "inner"),
            "s": ("block_rows", "columns"),
        }[name]
        return rows, elements, 1
    if f["kind"] == Kind.LINEAR and name in "xw":
        return "rows" if name == "x" else "columns", "inner", 1
    return "rows", "columns", ELEMENT_BYTES[f[f"{name}_type"]]


def move(job: Job, name: str, source: Job, area: str) -> None:
    """Let operand `name` of a job be operand `area` of another one, or some rows of that.

    The job's sizes shrink to what is there.
    """
    rng, f, g = job.image.rng, job.fields, source.fields
    rows, size = shapes(g)[area]
    row_field, element_field, size_of_element = _limits(f, name)
    if name == "s":
        rows //= f["blocks"]
    skipped = int(rng.integers(0, rows)) if rng.random() < 0.2 else 0
    f[row_field] = min(f[row_field], rows - skipped)
    f[element_field] = min(f[element_field], size // size_of_element)
    for part in PARTS:
        f[f"{name}_{part}"] = g[f"{area}_{part}"]
    f[f"{name}_base"] += skipped * g[f"{area}_row_stride"]
    if f["heads"] > g["heads"]:
        if name in "xwr" and rng.random() < 0.5:
            f[f"{name}_head_stride"] = 0
        else:
            f["heads"] = g["heads"]
    if f["kind"] == Kind.ATTENTION:
        f["kv_length"] = min(f["kv_length"], f["columns"])


def _is_worth_it(before: dict[str, int], after: dict[str, int]) -> bool:
    """Whether a job is still big enough to be of interest."""
    names = ("rows", "columns", "inner")
    return all(after[name] >= 1 and after[name] > 0.3 * before[name] for name in names)


def _try_move(job: Job, name: str, source: Job, area: str) -> bool:
    """Move an operand if what comes out is legal and big enough; return whether it was moved."""
    before = dict(job.fields)
    rows, size = shapes(source.fields)[area]
    blocks = job.fields["blocks"] if name == "s" else 1
    if rows < blocks or size < _limits(job.fields, name)[2]:
        return False
    move(job, name, source, area)
    f = job.fields
    if name == "r" and may_be_in_place(f) and job.image.rng.random() < 0.5:
        f |= {f"y_{part}": f[f"r_{part}"] for part in PARTS}
    if _is_worth_it(before, f) and not writes_overlap(job):
        return True
    job.fields = before
    return False


def _link(job: Job, earlier: list[Job]) -> None:
    """Move some of a job's operands to where earlier jobs read and write."""
    rng = job.image.rng
    used = sorted(shapes(job.fields))
    for name in rng.permutation([name for name in used if name in "xwr"]):
        if rng.random() < 0.6:
            source = earlier[-1] if rng.random() < 0.5 else earlier[rng.integers(len(earlier))]
            _try_move(job, str(name), source, "y")
    if rng.random() < 0.4:
        source = earlier[rng.integers(len(earlier))]
        areas = sorted(shapes(source.fields).keys() - {"s"})
        _try_move(job, "y", source, str(rng.choice(areas)))
    others = [other for other in earlier if "s" in shapes(other.fields)]
    if "s" in used and others and rng.random() < 0.5:
        _try_move(job, "s", others[-1], "s")


def _copy_of_parameters(job: Job) -> Job | None:
    """Return a copy that brings a job's entries or table to another place, where it takes them."""
    image, f = job.image, job.fields
    rng = image.rng
    layout, count = records(f)
    choices = [("param_base", count, layout.bytes)] if count else []
    if f.get("use_table"):
        choices.append(("table_base", int(rng.choice((1, 4, 32))), TABLE_BYTES))
    if not choices:
        return None
    name, rows, size = choices[rng.integers(len(choices))]
    if name == "table_base":
        size //= rows
    element = ElementType(int(rng.integers(4)))
    target = image.place(rows * size)
    fields = {
        "kind": Kind.COPY,
        "version": DESCRIPTOR_VERSION,
        "event_mask": int(rng.integers(0, 1 << 32)),
        "status": image.place(8) if rng.random() < 0.9 else 0,
        "x_type": element,
        "y_type": element,
        "rows": rows,
        "columns": size // ELEMENT_BYTES[element],
        "inner": 1,
        "heads": 1,
        "x_base": f[name],
        "x_row_stride": size,
        "x_head_stride": 0,
        "y_base": target,
        "y_row_stride": size,
        "y_head_stride": 0,
    }
    f[name] = target
    return Job(image, fields, image.place(DESCRIPTOR.bytes, DESCRIPTOR_ALIGN))


def random_queue(
    image: Image, count: int, place: Callable[[Image], Job] = random_job, linked: float = 0.6
) -> list[Job]:
    """Place about `count` jobs that may all be queued at once, flags set as needed.

    Copies of parameters come on top; when the image is full there are less.

    Parameters
    ----------
    place
        Places one job; what it makes of WAIT flags is replaced.
    linked
        Part of the jobs whose operands lie where earlier ones read and write. The others work on
        their own bytes and need no flags.
    """
    jobs, past = [], Past.of(image)
    while len(jobs) < count:
        try:
            new = _next_jobs(place(image), jobs, linked)
        except Full:
            if not jobs:
                raise
            return jobs
        for job in new:
            past.queue(job)
        jobs += new
    return jobs


def _next_jobs(job: Job, earlier: list[Job], linked: float) -> list[Job]:
    """Return a job, perhaps linked to earlier ones, perhaps with a copy that it needs before."""
    rng = job.image.rng
    if not earlier or rng.random() >= linked:
        return [job]
    _link(job, earlier)
    copy = _copy_of_parameters(job) if rng.random() < 0.25 else None
    return [job] if copy is None else [copy, job]


def ring(jobs: list[Job], most: int, chained: float = 0.5) -> list[int]:
    """Chain jobs at random, so that at most `most` doorbells are needed; return their addresses."""
    doorbells, in_chain = [], False
    for job, following in zip(jobs, [*jobs[1:], None], strict=True):
        if not in_chain:
            doorbells.append(job.address)
        full = len(doorbells) == most
        in_chain = following is not None and (full or job.image.rng.random() < chained)
        job.fields["next"] = following.address if in_chain else 0
        job.store()
    return doorbells
