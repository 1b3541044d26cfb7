"""Which keys a query may attend to."""

import numpy as np

#: Smallest and largest offset of the causal mask (signed 16 bit).
OFFSET_LIMITS = (-32768, 32767)


def attention_mask(
    rows: int,
    columns: int,
    *,
    kv_len: int | None = None,
    causal: bool = False,
    offset: int = 0,
    first_row: int = 0,
) -> np.ndarray:
    """Return a boolean [rows, columns]: True where column k counts for row q.

    That is where `k < kv_len and (not causal or k <= q + offset)`.

    Parameters
    ----------
    kv_len
        Number of valid keys, 0..columns; None for all.
    offset
        Signed 16 bit; column 0 .. q + offset are seen by row q.
    first_row
        Index in the whole job of the first row, for a job done in row blocks.

    Raises
    ------
    ValueError
        If kv_len or offset is out of range.
    """
    kv_len = columns if kv_len is None else kv_len
    if not 0 <= kv_len <= columns:
        raise ValueError(f"kv_len is {kv_len}; allowed is 0 to {columns}")
    if not OFFSET_LIMITS[0] <= offset <= OFFSET_LIMITS[1]:
        raise ValueError(f"mask offset is {offset}; allowed is -32768 to 32767")
    q = first_row + np.arange(rows)[:, None]
    k = np.arange(columns)[None, :]
    seen = np.broadcast_to(k < kv_len, (rows, columns))
    return seen & (k <= q + offset) if causal else seen
