"""Functional coverage of the attention engine's jobs: what was run, and what was never."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product

from hw.config import ClusterConfig
from hw.regmap import HEAD_PARAMETER, ElementType, Kind, MaskMode
from verif.lib.engine_jobs import Job, is_in_place, records, shapes
from verif.lib.engine_modes import MODES, Mode

Bins = dict[str, list[str]]
"""Names of the bins of each point."""

WIDEST = 12
"""Points with more bins than this are crosses: of these `report` prints one line each."""

STARTS = ("by doorbell", "in a chain")
MASKS = ("all", "short", "none", "causal", "causal, short", "causal, late", "causal, some see none")


def _sizes(config: ClusterConfig, name: str) -> list[str]:
    """Return the classes of a size: against the tile, and what is left over."""
    left = ["tiles", "odd"]
    if name == "columns" and config.engine.units < config.engine.tile:
        left.insert(1, "groups")
    if name == "inner":
        left.insert(1, "words")
    return [f"{count} {rest}" for count, rest in product(("one", "more"), left)]


def _size(config: ClusterConfig, name: str, value: int) -> str:
    """Return the class of a size: whole tiles, whole groups or words, or neither."""
    tile = config.engine.tile
    whole = {"columns": ("groups", config.engine.units), "inner": ("words", 8)}.get(name)
    left = "odd"
    if value % tile == 0:
        left = "tiles"
    elif whole and value % whole[1] == 0:
        left = whole[0]
    return f"{'one' if value <= tile else 'more'} {left}"


def _mode(mode: Mode) -> dict[str, str]:
    """Return the bin of each part of a mode."""
    joined = mode.join if mode.r_type is None else f"{mode.join} {mode.r_type.name.lower()}"
    return {
        "x_type": mode.x_type.name.lower(),
        "y_type": mode.y_type.name.lower(),
        "join": joined,
        "table": "table" if mode.table else "no table",
        "entries": "raw" if mode.entries is None else mode.entries.name.lower(),
    }


def _modes(kind: Kind) -> Bins:
    """Return the points of types, joins, tables and entries, and their cross."""
    modes = [_mode(mode) for mode in MODES[kind]]
    bins = {name: sorted({mode[name] for mode in modes}) for name in modes[0]}
    bins["mode"] = [", ".join(mode.values()) for mode in modes]
    return {name: found for name, found in bins.items() if len(found) > 1}


def _operands(kind: Kind) -> str:
    """Return the operands that jobs of a kind may read."""
    return {Kind.LINEAR: "xwrp", Kind.ATTENTION: "xwrp", Kind.LAYERNORM: "xp", Kind.COPY: "x"}.get(
        kind, "xrp"
    )


def _bins(config: ClusterConfig, kind: Kind) -> Bins:
    """Return every legal bin of the points of a kind."""
    sizes = ["rows", "columns"]
    sizes += ["inner"] if kind in (Kind.LINEAR, Kind.ATTENTION) else []
    bins = _modes(kind)
    bins |= {name: _sizes(config, name) for name in sizes}
    bins["whole tiles"] = [" x ".join(n) for n in product(("tiles", "odd"), repeat=len(sizes))]
    bins["heads"] = ["one", "matrices", "slices"]
    for name in _operands(kind):
        bins[f"wait_{name}"] = ["free", "needless", "needed"]
        if name != "p":
            bins[f"{name} rows"] = ["apart", "overlap"]
    bins["start"] = ["first", *STARTS]
    bins["follows"] = [f"{other.name.lower()} {start}" for other, start in product(Kind, STARTS)]
    bins["y goes over"] = ["nothing", "read", "written"]
    bins["status word"] = ["yes", "no"]
    if kind in (Kind.LINEAR, Kind.ELEMENTWISE):
        bins["r is y"] = [f"{n} {element.name.lower()}" for n, element in _in_place()]
    if kind == Kind.ATTENTION:
        bins["mask"] = list(MASKS)
        bins["blocks"] = [f"{n} of {m}" for m, n in product(("1", "2", "more"), ("1", "2"))]
        bins["mask x blocks"] = [" / ".join(n) for n in product(MASKS, ("one block", "more"))]
        bins["scratch"] = ["one head", "shared", "for each head"]
        bins["keys left out"] = ["none", "some blocks"]
        bins["step"] = [f"j {j}, gain {g}" for j, g in product(range(1, 6), range(2))]
    return bins


def _in_place() -> Iterator[tuple[str, ElementType]]:
    for y_type in ElementType:
        for place in ("apart", "in place"):
            yield place, y_type


def _mask(f: dict[str, int]) -> str:
    """Return the class of an attention job's mask."""
    short, length = f["kv_length"] < f["columns"], f["kv_length"]
    if not length:
        return "none"
    if f.get("mask_mode") != MaskMode.CAUSAL:
        return "short" if short else "all"
    if f["mask_offset"] < 0:
        return "causal, some see none"
    if f["mask_offset"] + 1 >= length:
        return "causal, late"  # every query sees every key
    return "causal, short" if short else "causal"


def _attention(job: Job) -> Iterator[tuple[str, str]]:
    """Yield the bins that only attention has."""
    f = job.fields
    mask, blocks = _mask(f), -(-f["rows"] // f["block_rows"])
    yield "mask", mask
    yield "blocks", f"{f['blocks']} of {blocks if blocks <= 2 else 'more'}"
    yield "mask x blocks", f"{mask} / {'one block' if blocks == 1 else 'more'}"
    several = "shared" if f["s_head_stride"] == 0 else "for each head"
    yield "scratch", "one head" if f["heads"] == 1 else several
    seen = f["block_rows"] + f["mask_offset"] if f["mask_mode"] == MaskMode.CAUSAL else 1 << 16
    out = min(seen, f["kv_length"]) < f["columns"]
    yield "keys left out", "some blocks" if out else "none"
    for head in range(f["heads"] if "p" not in job.needs else 0):
        at = f["param_base"] + head * HEAD_PARAMETER.bytes
        fields = HEAD_PARAMETER.unpack(job.image.get(at, HEAD_PARAMETER.bytes))
        yield "step", f"j {fields['j']}, gain {fields['gain']}"


def _hits(config: ClusterConfig, job: Job, before: Job | None) -> Iterator[tuple[str, str]]:
    """Yield (point, bin) of a job that runs after another one."""
    f, kind = job.fields, Kind(job.fields["kind"])
    mode = _mode(Mode.of(f))
    yield from mode.items()
    yield "mode", ", ".join(mode.values())
    rests = []
    for name in ("rows", "columns", "inner"):
        size = _size(config, name, f[name])
        if name != "inner" or kind in (Kind.LINEAR, Kind.ATTENTION):
            rests.append("tiles" if size.endswith("tiles") else "odd")
            yield name, size
    yield "whole tiles", " x ".join(rests)
    slices = f["y_head_stride"] < f["y_row_stride"]
    yield "heads", "one" if f["heads"] == 1 else "slices" if slices else "matrices"
    used = shapes(f)
    for name in _operands(kind):
        if name in used or (name == "p" and records(f)[1]):
            flag = "needless" if f[f"wait_{name}"] else "free"
            yield f"wait_{name}", "needed" if name in job.needs else flag
        if name in used and used[name][0] > 1:
            apart = f[f"{name}_row_stride"] >= used[name][1]
            yield f"{name} rows", "apart" if apart else "overlap"
    if before is None:
        yield "start", "first"
    else:
        start = STARTS[before.fields.get("next", 0) == job.address]
        yield "start", start
        yield "follows", f"{Kind(before.fields['kind']).name.lower()} {start}"
    for past in job.covers or {"nothing"}:
        yield "y goes over", past
    yield "status word", "yes" if f["status"] else "no"
    if kind == Kind.ATTENTION:
        yield from _attention(job)
    elif mode["join"] != "none":
        place = "in place" if is_in_place(f) else "apart"
        yield "r is y", f"{place} {mode['y_type']}"


class Coverage:
    """Counts what jobs were run in bins; every bin can be hit by a legal job.

    Parameters
    ----------
    config : ClusterConfig
        Tile and group size make the classes of sizes: take jobs of more than a tile.
    """

    def __init__(self, config: ClusterConfig):
        self._config = config
        self.bins = {
            f"{kind.name.lower()}: {point}": names
            for kind in Kind
            for point, names in _bins(config, kind).items()
        }
        self.counts: dict[str, Counter[str]] = {point: Counter() for point in self.bins}

    def add(self, jobs: Iterable[Job]) -> None:
        """Count jobs that were queued together, as they lie in memory before they run."""
        before = None
        for job in jobs:
            kind = Kind(job.fields["kind"]).name.lower()
            for point, name in _hits(self._config, job, before):
                counts = self.counts.get(f"{kind}: {point}")
                if counts is not None:
                    counts[name] += 1
            before = job

    def merge(self, counts: dict[str, dict[str, int]]) -> None:
        """Add the `counts` of another run on the same configuration."""
        for point, found in counts.items():
            self.counts[point].update(found)

    def missing(self) -> list[str]:
        """Return the bins that were never hit: coverage is complete when there are none."""
        return [
            f"{point}: {name}"
            for point, names in self.bins.items()
            for name in names
            if not self.counts[point][name]
        ]

    def report(self) -> str:
        """Return a table of all bins and their counts, one line a point."""
        lines = [f"{'point':<28} {'bins':>9}  counts"]
        for point, names in self.bins.items():
            counts = [self.counts[point][name] for name in names]
            hit = f"{sum(map(bool, counts))}/{len(names)}"
            each = ", ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True))
            if len(names) > WIDEST:
                each = f"{min(counts)} to {max(counts)}"
            lines.append(f"{point:<28} {hit:>9}  {each}")
        bins = sum(len(names) for names in self.bins.values())
        lines.append(f"{bins - len(self.missing())} of {bins} bins hit")
        return "\n".join(lines)
