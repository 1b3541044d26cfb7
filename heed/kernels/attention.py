"""Jobs of the attention kernels."""

from dataclasses import dataclass

import numpy as np

from heed.kernels.memory import ALIGN, Job, Memory, Place
from heed.toolchain.kernels import CoreEntries
from sw_model import ops
from sw_model.ops.softmax import J_LIMITS

Operand = np.ndarray | Place

MAX_KEYS = 4096
"""More would need shifts above 31 to normalise."""


def exponential_tables() -> np.ndarray:
    """Return the exponentials by distance from the row's maximum: uint8 [5, 256].

    One row for each j from 1 to 5, a distance of 255 first.
    """
    logits = np.arange(-128, 128)
    return np.stack([ops.exponential(logits, True, j) for j in range(J_LIMITS[0], J_LIMITS[1] + 1)])


def attention_scratch(columns: int) -> int:
    """Return `heed_attention_scratch` of firmware/kernels/matrix/attention.h, in bytes."""
    return 4 * (-(-columns // 4) * 4)


@dataclass(frozen=True)
class Heads:
    """Parameters of attention, a value a head.

    Parameters
    ----------
    logit
        Requantisation of the products to logits, in core form.
    j, g
        Logit step 2^-j octave, j from 1 to 5; gain 2^g, g 0 or 1.
    """

    logit: CoreEntries
    j: np.ndarray
    g: np.ndarray

    def bytes(self) -> bytes:
        """Return them as an array of `struct heed_attention_entry`."""
        words = np.empty((len(self.j), 4), "<u4")
        words[:, :2] = np.frombuffer(self.logit.bytes(), "<u4").reshape(-1, 2)
        words[:, 2], words[:, 3] = self.j, self.g
        return words.tobytes()


@dataclass(frozen=True)
class Mask:
    """Which keys a query sees; see `sw_model.ops.attention_mask`."""

    keys: int
    causal: bool = False
    offset: int = 0


def _heads_of(place: Place, heads: int) -> tuple[int, int, int]:
    """Return row stride, head stride and rows of [S, H*P], or of head-major [H, S, P]."""
    if len(place.shape) == 3:
        return place.strides[1], place.strides[0], place.shape[1]
    size, rest = divmod(place.shape[1], heads)
    if rest or size % ALIGN:
        raise ValueError(
            f"{place.shape[1]} columns are {heads} heads of {place.shape[1] / heads:g} side by "
            "side; multiples of 4, or head-major"
        )
    return place.stride, place.shape[1] // heads, place.shape[0]


def _logits(
    memory: Memory, q: Operand, k: Operand, heads: Heads, mask: Mask
) -> tuple[dict[str, int | Place], int, int]:
    """Return the fields that both kernels with logits have, rows and keys."""
    count, q, k = len(heads.j), memory.place(q), memory.place(k)
    q_stride, q_head, rows = _heads_of(q, count)
    k_stride, k_head, columns = _heads_of(k, count)
    if columns > MAX_KEYS:
        raise ValueError(f"k has {columns} keys; at most {MAX_KEYS}")
    if q.shape[-1] != k.shape[-1] or len(q.shape) != len(k.shape):
        raise ValueError(f"q is {list(q.shape)}, but k {list(k.shape)}")
    if not 0 <= mask.keys <= columns:
        raise ValueError(f"a mask of {mask.keys} keys; there are {columns}")
    values = {
        "q": q,
        "q_stride": q_stride,
        "q_head_stride": q_head,
        "k": k,
        "k_stride": k_stride,
        "k_head_stride": k_head,
        "entries": memory.put_bytes(heads.bytes()),
        "exponentials": memory.put(exponential_tables().reshape(-1)),
        "rows": rows,
        "columns": columns,
        "inner": q.shape[-1] if len(q.shape) == 3 else q.shape[1] // count,
        "heads": count,
        "keys": mask.keys,
        "causal": mask.causal,
        "offset": mask.offset,
    }
    return values, rows, columns


def _check_vt(vt: Place, width: int, keys: int) -> None:
    if vt.shape != (width, keys):
        raise ValueError(f"vt is {list(vt.shape)}, but {[width, keys]} is needed")


def logits(memory: Memory, q: Operand, k: Operand, heads: Heads, mask: Mask) -> Job:
    """Place what `heed_logits` needs.

    Its results are "e", uint8 [H, S, keys up to a multiple of 4], and "factors", int32 [H * S * 2]:
    0 and the requantisation parameters of each row (`row_factors`).

    Parameters
    ----------
    memory
        Where it goes.
    q, k
        int8 head-major [H, S, P], or [S, H*P] with P a multiple of 4; arrays, or where they lie.
    heads, mask
        Parameters and mask.
    """
    values, rows, columns = _logits(memory, q, k, heads, mask)
    count = len(heads.j)
    e = memory.room((count, rows, -(-columns // 4) * 4), "uint8")
    factors = memory.room((count * rows * 2,), "int32")
    values |= {"e": e, "e_stride": e.strides[1], "e_head_stride": e.strides[0], "factors": factors}
    return Job("heed_logits", values, {"e": e, "factors": factors})


def values(memory: Memory, e: Operand, factors: Operand, vt: Operand, keys: int) -> Job:
    """Place what `heed_values` needs: its result is "y", int8 [S, H*P].

    Parameters
    ----------
    memory
        Where it goes.
    e, factors
        Results of `heed_logits`.
    vt
        int8 [H*P, keys]: V transposed.
    keys
        How many columns of e count.
    """
    e, factors, vt = (memory.place(operand) for operand in (e, factors, vt))
    _check_vt(vt, vt.shape[0] // e.shape[0] * e.shape[0], keys)
    heads, rows = e.shape[:2]
    y = memory.room((rows, vt.shape[0]), "int8")
    size = vt.shape[0] // heads
    fields = {
        "e": e,
        "e_stride": e.strides[1],
        "e_head_stride": e.strides[0],
        "factors": factors,
        "vt": vt,
        "vt_stride": vt.stride,
        "vt_head_stride": size * vt.stride,
        "y": y,
        "y_stride": y.stride,
        "y_head_stride": size,
        "rows": rows,
        "columns": size,
        "inner": keys,
        "heads": heads,
    }
    return Job("heed_values", fields, {"y": y})


def attention(
    memory: Memory,
    q: Operand,
    k: Operand,
    vt: Operand,
    heads: Heads,
    mask: Mask,
    *,
    harts: int,
) -> Job:
    """Place what `heed_attention` needs; its result is "y", int8 [S, H*P].

    Parameters
    ----------
    memory, q, k, heads, mask
        As for `logits`.
    vt
        int8 [H*P, keys]: V transposed.
    harts
        For how many harts scratch is set aside.
    """
    fields, rows, columns = _logits(memory, q, k, heads, mask)
    size, vt = fields["inner"], memory.place(vt)
    _check_vt(vt, size * len(heads.j), columns)
    y = memory.room((rows, vt.shape[0]), "int8")
    scratch = memory.room((harts, attention_scratch(columns)), "uint8")
    fields |= {
        "vt": vt,
        "vt_stride": vt.stride,
        "vt_head_stride": size * vt.stride,
        "y": y,
        "y_stride": y.stride,
        "y_head_stride": size,
        "scratch": scratch,
        "scratch_stride": scratch.stride,
    }
    return Job("heed_attention", fields, {"y": y}, (scratch,))


def row_factors(e: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return what `heed_logits` gives besides e: int32 [H * S * 2].

    Parameters
    ----------
    e
        uint8 [H, S, keys].
    g
        Gain of each head.
    """
    r, length = ops.reciprocal(e.sum(axis=-1, dtype=np.int64))
    rq = r | (11 + length - np.asarray(g)[:, None]) << 16
    return np.stack([np.zeros_like(rq), rq], axis=-1).reshape(-1).astype(np.int32)
