"""Multi-head attention: logits, softmax and the product with V, for all heads."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.mask import attention_mask
from sw_model.ops.matmul import accumulate, exact
from sw_model.ops.requantise import Entry, requantise
from sw_model.ops.softmax import exponential, normalise


def split_heads(x: np.ndarray, heads: int) -> np.ndarray:
    """Return [..., S, H*P] as [..., H, S, P]."""
    if x.shape[-1] % heads:
        raise ValueError(f"{x.shape[-1]} columns do not split into {heads} heads")
    return np.swapaxes(x.reshape(*x.shape[:-1], heads, -1), -2, -3)


def attention_logits(q: np.ndarray, k: np.ndarray, entry: Entry) -> np.ndarray:
    """Return the int8 logits [..., H, S, Skv] of q [..., H, S, P] and k [..., H, Skv, P].

    Masks play no part here: masked columns get their value too, which then counts for nothing.
    """
    return requantise(accumulate(q, k), entry, "int8", axis=-3)


def attention(
    q: np.ndarray,
    k: np.ndarray,
    vt: np.ndarray,
    entry: Entry,
    *,
    heads: int,
    j: np.ndarray,
    g: np.ndarray,
    kv_len: int | None = None,
    causal: bool = False,
    offset: int = 0,
    first_row: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (output, logits) of softmax(Q K^T) V, head by head.

    Parameters
    ----------
    q
        int8 [..., S, H*P].
    k
        int8 [..., Skv, H*P].
    vt
        int8 [..., H*P, Skv]: V transposed.
    entry
        One entry a head (or one for all) that turns Q K^T into int8 logits.
    j, g
        One value a head: logit step 2^-j octave (1..5), output gain 2^g (0 or 1).
    kv_len, causal, offset, first_row
        The mask; see `attention_mask`.

    Returns
    -------
    output
        int8 [..., S, H*P].
    logits
        int8 [..., H, S, Skv].

    Raises
    ------
    ValueError
        If shapes, types or ranges do not go together.
    """
    q, k, vt = (check.elements(n, v, "int8") for n, v in (("q", q), ("k", k), ("vt", vt)))
    for name, array in (("q", q), ("k", k), ("vt", vt)):
        check.dimensions(name, array, 2)
    if q.shape[-1] != k.shape[-1] or vt.shape[-2:] != k.shape[:-3:-1]:
        raise ValueError(f"q {q.shape}, k {k.shape} and vt {vt.shape} do not go together")
    j, g = (np.atleast_1d(np.asarray(a))[..., None, None] for a in (j, g))
    for name, array in (("j", j), ("g", g)):
        if array.shape not in ((1, 1, 1), (heads, 1, 1)):
            raise ValueError(f"{name} has {array.size} values for {heads} heads")
    logits = attention_logits(split_heads(q, heads), split_heads(k, heads), entry)
    mask = attention_mask(
        q.shape[-2],
        k.shape[-2],
        kv_len=kv_len,
        causal=causal,
        offset=offset,
        first_row=first_row,
    )
    e = exponential(logits, mask, j)
    v = split_heads(np.swapaxes(vt, -1, -2), heads)
    total = np.sum(e, axis=-1, keepdims=True, dtype=np.int64)
    out = np.swapaxes(normalise(exact(e, v), total, g), -2, -3)
    return out.reshape(q.shape), logits
