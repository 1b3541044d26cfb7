"""Random jobs of the attention engine: descriptors, operands and parameters in a memory image."""

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
    MaskMode,
    ParamMode,
)
from sw_model.engine.check import ELEMENT_BYTES


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
    """A descriptor's fields and its place; change `fields`, then `store`."""

    image: Image
    fields: dict[str, int]
    address: int

    def store(self) -> None:
        """Write the descriptor into the image."""
        self.image.put(self.address, DESCRIPTOR.pack(**self.fields))

    @property
    def offset(self) -> int:
        return self.address - TCDM_BASE


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


def random_entry(rng: np.random.Generator, inner: int) -> dict[str, int]:
    """Return an entry that spreads sums of `inner` products over int8, or now and then anything."""
    if rng.random() < 0.1:
        return {
            "mul": int(rng.integers(-(1 << 16), 1 << 16)),
            "add": int(rng.integers(-(1 << 47), 1 << 47)),
            "shift": int(rng.integers(0, 32)),
        }
    shift = int(rng.integers(4, 24))
    scale = float(np.exp(rng.normal(0, 0.7))) * 60 / (74 * 74 * inner**0.5)
    mul = int(np.clip(round(scale * (1 << shift)), 1, 65535)) * int(rng.choice((-1, 1)))
    add = int(rng.normal(0, 20) * (1 << shift)) + (1 << shift >> 1)
    return {"mul": mul, "add": add, "shift": shift}


def _header(image: Image, **fields: int) -> Job:
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
    return Job(image, header | fields, address)


def _size(rng: np.random.Generator, largest: int) -> int:
    """Return 1 to `largest`; small ones and whole tiles are likelier."""
    choice = rng.random()
    if choice < 0.15:
        return int(rng.integers(1, 4))
    if choice < 0.3:
        return min(16 * int(rng.integers(1, 4)), largest)
    return int(rng.integers(1, largest + 1))


def random_linear(image: Image, largest: int = 40) -> Job:
    """Place a random linear job."""
    rng = image.rng
    rows, columns, inner = (_size(rng, largest) for _ in range(3))
    heads = int(rng.choice((1, 1, 1, 2, 3)))
    y_type = ElementType(int(rng.integers(0, 4)))
    mode = ParamMode(int(rng.integers(0, 4)))
    use_table = int(y_type <= ElementType.UINT8 and rng.random() < 0.4)
    entries = {
        ParamMode.COMMON: 1,
        ParamMode.COLUMN: heads * columns,
        ParamMode.ROW: heads * rows,
        ParamMode.HEAD: heads,
    }[mode]
    job = _header(
        image,
        kind=Kind.LINEAR,
        x_type=int(rng.integers(0, 2)),
        y_type=y_type,
        use_table=use_table,
        param_mode=mode,
        rows=rows,
        columns=columns,
        inner=inner,
        heads=heads,
        param_base=image.place(PARAMETER.bytes * entries),
        table_base=image.place(TABLE_BYTES) if use_table else 0,
        **place_operand(image, "x", heads, rows, inner),
        **place_operand(image, "w", heads, columns, inner),
        **place_operand(image, "y", heads, rows, columns * ELEMENT_BYTES[y_type]),
    )
    if heads == 1 and inner > 8 and rng.random() < 0.1:
        job.fields["x_row_stride"] = 8  # overlapping windows
    for n in range(entries):
        entry = PARAMETER.pack(**random_entry(rng, inner))
        image.put(job.fields["param_base"] + n * PARAMETER.bytes, entry)
    job.store()
    return job


def random_attention(image: Image, largest: int = 40) -> Job:
    """Place a random attention job."""
    rng = image.rng
    rows, keys, inner = (_size(rng, largest) for _ in range(3))
    heads = int(rng.choice((1, 1, 2, 3)))
    block_rows = int(rng.integers(1, min(image.config.engine.tile, 2 * rows) + 1))
    blocks = int(rng.integers(1, 3))
    kv_length = keys if rng.random() < 0.5 else int(rng.integers(0, keys + 1))
    offset = int(rng.integers(-rows, keys + 1))
    if rng.random() < 0.1:
        offset = int(rng.choice((-32768, 32767)))
    scratch = place_operand(image, "s", heads, block_rows * blocks, keys)
    if rng.random() < 0.5:
        scratch["s_head_stride"] = 0
    job = _header(
        image,
        kind=Kind.ATTENTION,
        param_mode=ParamMode.HEAD,
        mask_mode=int(rng.choice(list(MaskMode))),
        mask_offset=offset,
        rows=rows,
        columns=keys,
        inner=inner,
        heads=heads,
        kv_length=kv_length,
        block_rows=block_rows,
        blocks=blocks,
        param_base=image.place(HEAD_PARAMETER.bytes * heads),
        **place_operand(image, "x", heads, rows, inner),
        **place_operand(image, "w", heads, keys, inner),
        **place_operand(image, "r", heads, inner, keys),
        **place_operand(image, "y", heads, rows, inner),
        **scratch,
    )
    for n in range(heads):
        put_head(job, n, j=int(rng.integers(1, 6)), gain=int(rng.integers(0, 2)))
    job.store()
    return job


def put_head(job: Job, head: int, **fields: int) -> None:
    """Write the parameters of a head of attention: `j` and `gain` as given, a random entry."""
    entry = random_entry(job.image.rng, job.fields["inner"])
    address = job.fields["param_base"] + head * HEAD_PARAMETER.bytes
    job.image.put(address, HEAD_PARAMETER.pack(**entry, **fields))


def random_job(image: Image, largest: int = 40) -> Job:
    """Place a random job of either kind."""
    return (random_linear, random_attention)[int(image.rng.integers(0, 2))](image, largest)
