"""Stage 2, attention: one chain of jobs for all heads, with room for the logits."""

from typing import TYPE_CHECKING

from heed.errors import HeedError
from heed.flow.layer import Job, Layer, Ref
from heed.flow.layout import Layout, align
from heed.kernels.entries import head_parameter_bytes
from hw.regmap import ElementType, Kind, MaskMode, ParamMode
from sw_model.graph import Node
from sw_model.ops.mask import OFFSET_LIMITS

if TYPE_CHECKING:
    from heed.flow.lower import Builder

MAX_BLOCKS = 2


def _blocks(rows: int, tile: int) -> tuple[int, int]:
    """Return (number, rows) of the fewest balanced blocks of at most `tile` rows."""
    number = -(-rows // tile)
    return number, -(-rows // number)


def _mask(node: Node, first_row: int) -> dict[str, int]:
    """Return the fields of the mask, none where every key counts for every row."""
    offset = node.attrs["mask_offset"] + first_row
    if node.attrs["mask"] == "none" or offset + 1 >= node.attrs["kv_len"]:
        return {"mask_mode": MaskMode.NONE}
    if offset > OFFSET_LIMITS[1]:
        raise HeedError(
            f"node {node.name}: mask offset {node.attrs['mask_offset']} at row {first_row} exceeds "
            f"{OFFSET_LIMITS[1]}"
        )
    return {"mask_mode": MaskMode.CAUSAL, "mask_offset": offset}


def _logits(rows: int, keys: int, heads: int, tile: int) -> Layout:
    """Return how the logits of all heads lie when every job has its own scratch blocks.

    A job takes `MAX_BLOCKS` blocks, so that none is written twice; the blocks of the last one may
    end after the last row.
    """
    step = MAX_BLOCKS * tile
    full = (rows - 1) // step * step
    number, each = _blocks(rows - full, tile)
    stride = align(keys)
    head_stride = (full + number * each) * stride
    return Layout((heads, rows, keys), "int8", (heads, rows, keys), (head_stride, stride, 1))


def lower_attention(build: "Builder", node: Node) -> Layer:
    """Return the layer of an attention node.

    With visible logits rows are done `2 T` a job, each job with scratch blocks of its own for
    every head. Without, one job does everything and all heads share its blocks.
    """
    names = {"x": node.inputs[0], "w": node.inputs[1], "y": node.outputs[0]}
    q, k, y = (build.layouts[name] for name in names.values())
    vt_name, tile = node.inputs[2], build.config.engine.tile
    vt = build.layouts[vt_name]
    heads, size = node.attrs["heads"], node.attrs["head_dim"]
    logits, area = _logits(q.rows, k.rows, heads, tile), node.logits
    step = MAX_BLOCKS * tile if build.show_logits else q.rows
    parameters = build.constant(node, "parameters", head_parameter_bytes(node.constants, heads))
    jobs = []
    for first in range(0, q.rows, step):
        rows = min(step, q.rows - first)
        number, each = _blocks(rows, tile)
        fields = {
            "kind": Kind.ATTENTION,
            "x_type": ElementType.INT8,
            "y_type": ElementType.INT8,
            "param_mode": ParamMode.HEAD,
            "param_base": parameters,
            "rows": rows,
            "columns": k.rows,
            "inner": size,
            "heads": heads,
            "kv_length": node.attrs["kv_len"],
            "r_base": Ref(vt_name),
            "r_row_stride": vt.row_stride,
            "r_head_stride": size * vt.row_stride,
            "s_base": Ref(area, first * logits.strides[1] if build.show_logits else 0),
            "s_row_stride": logits.strides[1],
            "s_head_stride": logits.strides[0] if build.show_logits else 0,
            "block_rows": each,
            "blocks": min(number, MAX_BLOCKS),
            **_mask(node, first),
        }
        for operand, layout in (("x", q), ("w", k), ("y", y)):
            offset = first * layout.row_stride if operand != "w" else 0
            fields |= {
                f"{operand}_base": Ref(names[operand], offset),
                f"{operand}_row_stride": layout.row_stride,
                f"{operand}_head_stride": align(size) if heads > 1 else 0,
            }
        jobs.append(Job(fields))
    writes = {names["y"]: names["y"]}
    if build.show_logits:
        build.layouts[area] = logits
        build.scratch[area] = heads * logits.strides[0]
        writes = {area: area} | writes
    else:
        build.scratch[area] = fields["blocks"] * each * logits.strides[1]
        build.hidden.append(area)
    macs = 2 * q.rows * k.rows * size * heads
    return Layer(node.name, node.op, "engine", tuple(jobs), writes, macs)
