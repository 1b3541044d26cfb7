"""An attention job: logits through the scratch area, softmax, and the product with V."""

from hw.regmap import HEAD_PARAMETER, MaskMode
from sw_model import ops
from sw_model.engine.memory import Operand, Shapes, read_records


def head_parameters_good(memory: bytearray, f: dict[str, int]) -> bool:
    """Whether every head's logit step j is one that there is, 1 to 5."""
    j = read_records(memory, HEAD_PARAMETER, f["param_base"], 0, f["heads"])["j"]
    return bool(((j >= 1) & (j <= 5)).all())


def keys_of_block(f: dict[str, int], first: int, rows: int) -> int:
    """Return how many keys a block of `rows` queries from `first` on deals with, 1 or more.

    They are the first ones, up to the last one that a query of the block sees; the last query
    sees the most.
    """
    keys = f["kv_length"]
    if f["mask_mode"] == MaskMode.CAUSAL:
        keys = min(keys, first + rows + f["mask_offset"])
    return max(keys, 1)


def _head(memory: bytearray, f: dict[str, int], head: int) -> int:
    """Execute a head; return how many rows of its scratch area were used."""
    blocks_before = 0 if f["s_head_stride"] else head * -(-f["rows"] // f["block_rows"])
    x, w, r, y, s = (Operand.of(f, name) for name in "xwrys")
    k = w.read(memory, head, f["columns"], f["inner"], "int8")
    vt = r.read(memory, head, f["inner"], f["columns"], "int8")
    fields = read_records(memory, HEAD_PARAMETER, f["param_base"], head, 1)
    entry = ops.Entry(fields["mul"], fields["add"], fields["shift"])
    used = 0
    for block, first in enumerate(range(0, f["rows"], f["block_rows"])):
        rows = min(f["block_rows"], f["rows"] - first)
        keys = keys_of_block(f, first, rows)
        output, logits = ops.attention(
            x.read(memory, head, rows, f["inner"], "int8", first),
            k[:keys],
            vt[:, :keys],
            entry,
            heads=1,
            j=fields["j"],
            g=fields["gain"],
            kv_len=min(f["kv_length"], keys),
            causal=f["mask_mode"] == MaskMode.CAUSAL,
            offset=f["mask_offset"],
            first_row=first,
        )
        slot = (blocks_before + block) % f["blocks"] * f["block_rows"]
        s.write(memory, head, logits[0], slot)
        y.write(memory, head, output, first)
        used = max(used, slot + rows)
    return used


def run_attention(memory: bytearray, f: dict[str, int]) -> Shapes:
    """Execute a checked attention job with fields `f`; return the shapes of what was written.

    Block b of a head leaves its logits in the scratch rows from (b modulo blocks) * block_rows
    on: those of the keys that one of its queries sees, in all of its rows. Heads that share one
    scratch area (stride 0) count on from the last block of the head before.
    """
    used = max(_head(memory, f, head) for head in range(f["heads"]))
    keys = keys_of_block(f, 0, f["rows"])  # of the last block, which sees the most
    return {"y": (f["heads"], f["rows"], f["inner"]), "s": (f["heads"], used, keys)}
