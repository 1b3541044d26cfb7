"""Random jobs of the attention engine: descriptors, operands and parameters in a memory image."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
    PARAMETER,
    TABLE_BYTES,
    ElementType,
    Kind,
    Layout,
    MaskMode,
    ParamMode,
)
from verif.lib.engine_modes import ELEMENT_BYTES, MODES, Deck, Mode


class Full(Exception):
    """The image has no room for what was asked."""


@dataclass
class Image:
    """A TCDM full of random bytes, and a place for each thing put into it.

    Parameters
    ----------
    config : ClusterConfig
    rng : numpy.random.Generator
    """

    config: ClusterConfig
    rng: np.random.Generator
    bytes: bytearray = field(init=False)
    _next: int = 0

    def __post_init__(self) -> None:
        self.bytes = bytearray(self.rng.bytes(self.config.tcdm.bytes))

    def place(self, size: int, align: int = 8) -> int:
        """Return the address of `size` bytes that nobody else has, after a random gap."""
        start = self._next + 8 * int(self.rng.integers(0, 5))
        start += -start % align
        if start + size > len(self.bytes):
            raise Full
        self._next = start + size
        return TCDM_BASE + start

    def put(self, address: int, data: bytes) -> None:
        """Write bytes."""
        offset = address - TCDM_BASE
        self.bytes[offset : offset + len(data)] = data

    def get(self, address: int, size: int) -> bytes:
        """Return bytes."""
        offset = address - TCDM_BASE
        return bytes(self.bytes[offset : offset + size])


@dataclass
class Job:
    """A descriptor's fields and its place; change `fields`, then `store`.

    Parameters
    ----------
    image : Image
    fields : dict
    address : int
        Of the descriptor.
    needs : set of str
        Operands (x, w, r, p) that jobs queued before it write: those whose WAIT flag matters.
    covers : set of str
        What earlier queued jobs do with the bytes that this one writes: "read", "written".
    """

    image: Image
    fields: dict[str, int]
    address: int
    needs: set[str] = field(default_factory=set)
    covers: set[str] = field(default_factory=set)

    def store(self) -> None:
        """Write the descriptor into the image."""
        self.image.put(self.address, DESCRIPTOR.pack(**self.fields))

    @property
    def offset(self) -> int:
        return self.address - TCDM_BASE


def shapes(f: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return {name: (rows, bytes of a row)} of the operands that a job uses, of one head."""
    rows, columns = f["rows"], f["columns"]
    if f["kind"] == Kind.ATTENTION:
        inner = f["inner"]
        return {
            "x": (rows, inner),
            "w": (columns, inner),
            "r": (inner, columns),
            "y": (rows, inner),
            "s": (f["block_rows"] * f["blocks"], columns),
        }
    sizes = {"y": (rows, columns * ELEMENT_BYTES[f["y_type"]])}
    if f["kind"] == Kind.LINEAR:
        sizes |= {"x": (rows, f["inner"]), "w": (columns, f["inner"])}
    else:
        sizes |= {"x": (rows, columns * ELEMENT_BYTES[f["x_type"]])}
    if is_joined(f):
        sizes |= {"r": (rows, columns * ELEMENT_BYTES[f["r_type"]])}
    return sizes


def is_joined(f: dict[str, int]) -> bool:
    """Whether R is joined with the sums; attention's R is something else."""
    return bool(f.get("use_residual") or f.get("accumulate"))


def records(f: dict[str, int]) -> tuple[Layout, int]:
    """Return the layout and the number of a job's parameter entries."""
    if f["kind"] == Kind.ATTENTION:
        return HEAD_PARAMETER, f["heads"]
    if f["kind"] == Kind.COPY or f["y_type"] == ElementType.INT32:
        return PARAMETER, 0
    return PARAMETER, {
        ParamMode.COMMON: 1,
        ParamMode.COLUMN: f["heads"] * f["columns"],
        ParamMode.ROW: f["heads"] * f["rows"],
        ParamMode.HEAD: f["heads"],
    }[f["param_mode"]]


def place_operand(image: Image, name: str, heads: int, rows: int, size: int) -> dict[str, int]:
    """Place `heads` matrices of `rows` rows of `size` bytes, with random strides."""
    rng = image.rng
    row = -(-size // 8) * 8 + 8 * int(rng.integers(0, 3))
    if heads > 1 and rng.random() < 0.3:
        # Heads side by side, as slices of wider rows.
        head, row = row, row * heads
        total = row * rows
    else:
        head = row * rows + 8 * int(rng.integers(0, 3))
        total = head * heads
    base = image.place(total)
    return {f"{name}_base": base, f"{name}_row_stride": row, f"{name}_head_stride": head}


def random_entry(
    rng: np.random.Generator,
    inner: int = 1,
    *,
    sums: float | None = None,
    residual: float | None = None,
    spread: float = 60,
    centre: float = 0,
) -> dict[str, int]:
    """Return an entry that spreads results over int8, or now and then anything.

    Parameters
    ----------
    inner
        The sums are those of so many products of random int8, unless `sums` is given.
    sums, residual
        Deviation of the sums and of R's elements; None for no R. Its factors are then arbitrary.
    spread, centre
        Deviation and mean that the results shall have, about.
    """
    if rng.random() < 0.1:
        return {name: int(rng.integers(low, high)) for name, (low, high) in _ANY_ENTRY.items()}
    sums = sums or 74 * 74 * inner**0.5
    scale = float(np.exp(rng.normal(0, 0.7))) * spread / sums
    least, most = (int(np.clip(np.log2(mul / scale), 0, 31)) for mul in (2, 40000))
    shift = int(rng.integers(least, most + 1))
    mul = int(np.clip(round(scale * (1 << shift)), 1, 65535)) * int(rng.choice((-1, 1)))
    add = int(rng.normal(centre, spread / 3) * (1 << shift)) + (1 << shift >> 1)
    entry = {"mul": mul, "add": add, "shift": shift}
    if residual is None:
        return entry | {"rmul": int(rng.choice((0, 1, -1, -(1 << 16)))), "rsh": shift}
    bits = max(float(np.log2(spread * (1 << shift) / residual)), 0)
    of_mul = float(rng.uniform(0, min(bits, 15.9)))
    rmul = round(2**of_mul) * int(rng.choice((-1, 1)))
    return entry | {"rmul": rmul, "rsh": round(bits - of_mul)}


_ANY_ENTRY = {
    "mul": (-(1 << 16), 1 << 16),
    "add": (-(1 << 47), 1 << 47),
    "shift": (0, 32),
    "rmul": (-(1 << 16), 1 << 16),
    "rsh": (0, 64),
}

_DEVIATION = {
    ElementType.INT8: 74.0,
    ElementType.UINT8: 74.0,
    ElementType.INT16: 18919.0,
    ElementType.INT32: 1.24e9,
}
"""Deviation of the elements that random bytes are."""

_SMALL = 1000.0
"""Deviation of int32 elements that are not random bytes."""


def _header(image: Image, f: dict[str, int]) -> Job:
    rng = image.rng
    address = image.place(DESCRIPTOR.bytes, DESCRIPTOR_ALIGN)
    status = image.place(8) if rng.random() < 0.9 else 0
    header = {
        "version": DESCRIPTOR_VERSION,
        "status": status,
        "event_mask": int(rng.integers(0, 1 << 32)),
    }
    for flag in ("wait_x", "wait_w", "wait_r", "wait_p"):
        header[flag] = int(rng.integers(0, 2))
    return Job(image, header | f, address)


def _size(image: Image, largest: int) -> int:
    """Return 1 to `largest`; small ones, whole groups and whole tiles are likelier."""
    rng, engine = image.rng, image.config.engine
    choice = rng.random()
    if choice < 0.15:
        return int(rng.integers(1, min(3, largest) + 1))
    whole = engine.tile if choice < 0.25 else engine.units
    if choice < 0.4 and whole <= largest:
        return whole * int(rng.integers(1, largest // whole + 1))
    return int(rng.integers(1, largest + 1))


def _sizes(image: Image, largest: int) -> dict[str, int]:
    rows, columns, inner = (_size(image, largest) for _ in range(3))
    tile = image.config.engine.tile
    if tile <= largest and image.rng.random() < 0.06:
        rows, columns, inner = (
            tile * int(n) for n in image.rng.integers(1, 1 + largest // tile, 3)
        )
    heads = int(image.rng.choice((1, 1, 1, 2, 3)))
    return {"rows": rows, "columns": columns, "inner": inner, "heads": heads}


def _place_operands(image: Image, f: dict[str, int]) -> None:
    """Place what the job uses; now and then R is Y, and rows or heads that are read overlap."""
    rng = image.rng
    for name, shape in shapes(f).items():
        f |= place_operand(image, name, f["heads"], *shape)
    for name in shapes(f).keys() & set("xwr"):
        if rng.random() < 0.1:
            f[f"{name}_row_stride"] = 8 * int(rng.integers(0, 1 + f[f"{name}_row_stride"] // 8))
        if rng.random() < 0.1:
            f[f"{name}_head_stride"] = 0
    if may_be_in_place(f) and rng.random() < 0.4:
        f |= {f"r_{part}": f[f"y_{part}"] for part in ("base", "row_stride", "head_stride")}


def may_be_in_place(f: dict[str, int]) -> bool:
    """Whether R may be Y itself: elements of one size."""
    return is_joined(f) and ELEMENT_BYTES[f["r_type"]] == ELEMENT_BYTES[f["y_type"]]


def is_in_place(f: dict[str, int]) -> bool:
    """Whether R is Y itself, element for element."""
    parts = ("base", "row_stride", "head_stride")
    return may_be_in_place(f) and all(f[f"r_{part}"] == f[f"y_{part}"] for part in parts)


def _calm(image: Image, f: dict[str, int], name: str) -> float:
    """Return the deviation of an operand's elements; int32 ones become small, half of the time."""
    element = f[f"{name}_type"]
    if element != ElementType.INT32 or image.rng.random() < 0.5:
        return _DEVIATION[element]
    count = f["columns"]
    for head in range(f["heads"]):
        for row in range(f["rows"]):
            offset = head * f[f"{name}_head_stride"] + row * f[f"{name}_row_stride"]
            elements = (_SMALL * image.rng.normal(size=count)).astype("<i4")
            image.put(f[f"{name}_base"] + offset, elements.tobytes())
    return _SMALL


def _put_entries(image: Image, f: dict[str, int]) -> None:
    """Place the parameter entries, which fit the sizes of sums and residuals, and the table."""
    layout, count = records(f)
    if f["kind"] == Kind.LINEAR:
        sums = 74 * 74 * f["inner"] ** 0.5
    else:
        sums = 1024 if f["kind"] == Kind.LAYERNORM else _calm(image, f, "x")
    joined = _calm(image, f, "r") if is_joined(f) else None
    if f["accumulate"]:
        sums, joined = float(np.hypot(sums, joined)), None
    spread, centre = 60, 0
    if f["y_type"] == ElementType.UINT8 and not f["use_table"]:
        centre = 120
    if f["y_type"] == ElementType.INT16 and image.rng.random() < 0.7:
        spread = 10000
    f["param_base"] = image.place(layout.bytes * count) if count else 0
    for n in range(count):
        entry = random_entry(image.rng, sums=sums, residual=joined, spread=spread, centre=centre)
        image.put(f["param_base"] + n * layout.bytes, layout.pack(**entry))
    if f["use_table"]:
        f["table_base"] = image.place(TABLE_BYTES)


def _random_direct(image: Image, kind: Kind, largest: int, mode: Mode | None) -> Job:
    """Place a job of any kind but attention."""
    rng = image.rng
    f = {"kind": kind, **_sizes(image, largest)}
    if mode is None:
        # Every type of Y is equally likely, however many modes it has.
        y_type = rng.choice(sorted({mode.y_type for mode in MODES[kind]}))
        choices = [mode for mode in MODES[kind] if mode.y_type == y_type]
        mode = choices[int(rng.integers(len(choices)))]
    f |= mode.fields()
    _place_operands(image, f)
    if kind != Kind.COPY:
        _put_entries(image, f)
    job = _header(image, f)
    job.store()
    return job


def random_linear(image: Image, largest: int = 40, mode: Mode | None = None) -> Job:
    """Place a random linear job."""
    return _random_direct(image, Kind.LINEAR, largest, mode)


def random_layernorm(image: Image, largest: int = 40, mode: Mode | None = None) -> Job:
    """Place a random LayerNorm job; now and then a row's elements are nearly equal."""
    job = _random_direct(image, Kind.LAYERNORM, largest, mode)
    f, rng = job.fields, image.rng
    if rng.random() < 0.3:
        size = ELEMENT_BYTES[f["x_type"]]
        values = int(rng.integers(0, 127)) + rng.integers(0, 2, f["columns"])
        image.put(f["x_base"], values.astype(f"<i{size}").tobytes())
    return job


def random_elementwise(image: Image, largest: int = 40, mode: Mode | None = None) -> Job:
    """Place a random element-wise job."""
    return _random_direct(image, Kind.ELEMENTWISE, largest, mode)


def random_copy(image: Image, largest: int = 40, mode: Mode | None = None) -> Job:
    """Place a random copy."""
    return _random_direct(image, Kind.COPY, largest, mode)


def random_attention(image: Image, largest: int = 40, mode: Mode | None = None) -> Job:
    """Place a random attention job."""
    rng = image.rng
    sizes = _sizes(image, largest)
    rows, keys = sizes["rows"], sizes["columns"]
    offset = int(rng.integers(-rows, keys + 1))
    if rng.random() < 0.1:
        offset = int(rng.choice((-32768, 32767)))
    mode = mode or MODES[Kind.ATTENTION][int(rng.integers(len(MODES[Kind.ATTENTION])))]
    kv_length = keys if rng.random() < 0.5 else int(rng.integers(0, keys + 1))
    f = {"kind": Kind.ATTENTION, **sizes, **mode.fields()}
    f |= {
        "mask_mode": int(rng.choice(list(MaskMode))),
        "mask_offset": offset,
        "kv_length": 0 if rng.random() < 0.05 else kv_length,
        "block_rows": int(rng.integers(1, min(image.config.engine.tile, 2 * rows) + 1)),
        "blocks": int(rng.integers(1, 3)),
    }
    _place_operands(image, f)
    if rng.random() < 0.5:
        f["s_head_stride"] = 0
    f["param_base"] = image.place(HEAD_PARAMETER.bytes * f["heads"])
    job = _header(image, f)
    for n in range(f["heads"]):
        put_head(job, n, j=int(rng.integers(1, 6)), gain=int(rng.integers(0, 2)))
    job.store()
    return job


def put_head(job: Job, head: int, **fields: int) -> None:
    """Write the parameters of a head of attention: `j` and `gain` as given, a random entry."""
    entry = random_entry(job.image.rng, job.fields["inner"])
    address = job.fields["param_base"] + head * HEAD_PARAMETER.bytes
    job.image.put(address, HEAD_PARAMETER.pack(**entry, **fields))


GENERATORS = {
    Kind.LINEAR: random_linear,
    Kind.ATTENTION: random_attention,
    Kind.LAYERNORM: random_layernorm,
    Kind.ELEMENTWISE: random_elementwise,
    Kind.COPY: random_copy,
}

_WEIGHTS = {  # how often random_job takes a kind
    Kind.LINEAR: 0.28,
    Kind.ATTENTION: 0.21,
    Kind.LAYERNORM: 0.11,
    Kind.ELEMENTWISE: 0.31,
    Kind.COPY: 0.09,
}


def random_kind(rng: np.random.Generator) -> Kind:
    """Return a random kind; those with many modes are likelier."""
    return Kind(rng.choice(list(_WEIGHTS), p=list(_WEIGHTS.values())))


def random_job(image: Image, largest: int = 40) -> Job:
    """Place a random job of any kind."""
    return GENERATORS[random_kind(image.rng)](image, largest)


def from_deck(rng: np.random.Generator, largest: int) -> Callable[[Image], Job]:
    """Return what places a random job of any kind; modes are dealt from one deck."""
    deck = Deck(rng)

    def place(image: Image) -> Job:
        kind = random_kind(rng)
        mode = deck.deal(kind)
        try:
            return GENERATORS[kind](image, largest, mode)
        except Full:
            deck.put_back(kind, mode)
            raise

    return place
