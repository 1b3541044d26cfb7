"""How many words of memory a job of the engine reads and writes: exactly, from its sizes."""

from dataclasses import dataclass

from hw.attention.steps import NORM_ROWS
from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import DESCRIPTOR, HEAD_PARAMETER, PARAMETER, TABLE_BYTES, Kind, ParamMode
from sw_model.engine.attention import keys_of_block
from verif.lib.engine_jobs import is_joined, records
from verif.lib.engine_modes import ELEMENT_BYTES


@dataclass
class Words:
    """Words read and written."""

    read: int = 0
    written: int = 0

    def __add__(self, other: "Words") -> "Words":
        return Words(self.read + other.read, self.written + other.written)


def _words(size: int) -> int:
    return -(-size // WORD_BYTES)


def _groups(config: ClusterConfig, columns: int, size: int) -> int:
    """Return the words of a row that goes in groups of N elements of `size` bytes."""
    whole, rest = divmod(columns, config.engine.units)
    return whole * _words(config.engine.units * size) + _words(rest * size)


def _blocks(config: ClusterConfig, f: dict[str, int]) -> list[int]:
    """Return the rows of each row block."""
    rows, tile = f["rows"], config.engine.tile
    most = -(-rows // -(-rows // tile))
    if f["kind"] == Kind.ATTENTION:
        most = f["block_rows"]
    elif f["kind"] == Kind.LAYERNORM:
        most = min(NORM_ROWS, tile)
    return [min(most, rows - first) for first in range(0, rows, most)]


def _product(config: ClusterConfig, rows: int, columns: int, inner: int) -> int:
    """Return the words of X and W that a product of one row block reads.

    X once for each column tile, or once where the inner size is one tile.
    """
    tile = config.engine.tile
    times = 1 if inner <= tile else -(-columns // tile)
    return (times * rows + columns) * _words(inner)


def _attention(config: ClusterConfig, f: dict[str, int]) -> Words:
    """Return the words of one head but those of its parameters' check."""
    found, first = Words(), 0
    for rows in _blocks(config, f):
        keys = keys_of_block(f, first, rows)
        found.read += _product(config, rows, keys, f["inner"]) + HEAD_PARAMETER.words
        found.read += _product(config, rows, f["inner"], keys)
        found.written += rows * (_groups(config, keys, 1) + _groups(config, f["inner"], 1))
        first += rows
    return found


def _entries(f: dict[str, int], rows: int) -> int:
    """Return the words of entries that a row block reads."""
    if not records(f)[1]:
        return 0
    count = {ParamMode.COLUMN: f["columns"], ParamMode.ROW: rows}.get(f["param_mode"], 1)
    return count * PARAMETER.words


def _direct(config: ClusterConfig, f: dict[str, int]) -> Words:
    """Return the words of one head of any kind but attention."""
    found, columns = Words(), f["columns"]
    linear = f["kind"] == Kind.LINEAR
    y_words = _groups(config, columns, ELEMENT_BYTES[f["y_type"]])
    x_words = _words(columns * ELEMENT_BYTES[f["x_type"]])
    for rows in _blocks(config, f):
        if linear:
            found.read += _product(config, rows, columns, f["inner"])
        else:
            found.read += rows * x_words * (2 if f["kind"] == Kind.LAYERNORM else 1)
        if is_joined(f):
            size = ELEMENT_BYTES[f["r_type"]]
            found.read += rows * (
                _groups(config, columns, size) if linear else _words(columns * size)
            )
        found.read += _entries(f, rows)
        found.written += rows * y_words
    return found


def words_of(config: ClusterConfig, f: dict[str, int]) -> Words:
    """Return the words that a job with fields `f` reads and writes, all that belongs to it."""
    found = Words(read=_words(DESCRIPTOR.bytes), written=int(f["status"] != 0))
    attention = f["kind"] == Kind.ATTENTION
    head = _attention(config, f) if attention else _direct(config, f)
    for _ in range(f["heads"]):
        found += head
    if attention:
        found.read += f["heads"]
    if f.get("use_table"):
        found.read += _words(TABLE_BYTES)
    return found
