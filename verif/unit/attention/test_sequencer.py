import numpy as np
import pytest

from hw.attention.steps import Load, Phase
from hw.attention.walk.sequencer import Sequencer
from hw.config import TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import DESCRIPTOR, ElementType, Kind, ParamMode
from hw.verilog import to_verilog
from verif.lib.engine_jobs import Image, random_attention, random_linear
from verif.lib.streams import receive, simulate

ENTRY_WORDS, HEAD_WORDS = 2, 3


def balanced(rows, tile):
    """Return the row blocks of a linear job: as few as possible, equal but for the last."""
    blocks = -(-rows // tile)
    size = -(-rows // blocks)
    return [(first, min(size, rows - first)) for first in range(0, rows, size)]


def linear_products(tile, f):
    entries = f["param_base"] - TCDM_BASE >> 3
    mode = f["param_mode"]
    for head in range(f["heads"]):
        for first, rows in balanced(f["rows"], tile):
            index = {
                ParamMode.COMMON: 0,
                ParamMode.COLUMN: head * f["columns"],
                ParamMode.ROW: head * f["rows"] + first,
                ParamMode.HEAD: head,
            }[mode]
            held = {
                ParamMode.COMMON: head or first,
                ParamMode.COLUMN: first and f["columns"] <= tile,
                ParamMode.ROW: False,
                ParamMode.HEAD: first,
            }[mode]
            needed = f["y_type"] != ElementType.INT32 and not held
            product = {"phase": Phase.LINEAR, "rows": rows, "row": first, "drain": 0}
            for name, row in (("x", first), ("w", 0), ("y", first)):
                stride = f[f"{name}_row_stride"]
                product[name] = f[f"{name}_base"] + head * f[f"{name}_head_stride"] + row * stride
                product[f"{name}_stride"] = stride
            product |= {"columns": f["columns"], "inner": f["inner"]}
            product["load"] = Load.ENTRIES if needed else Load.KEEP
            if needed:
                product["load_word"] = entries + ENTRY_WORDS * index
                product["each_tile"] = mode == ParamMode.COLUMN
                if mode != ParamMode.COLUMN:
                    product["load_count"] = rows if mode == ParamMode.ROW else 1
            yield product


def attention_products(f):
    def operand(role, name, head, row=0):
        base = f[f"{name}_base"] + head * f[f"{name}_head_stride"]
        stride = f[f"{name}_row_stride"]
        return {role: base + row * stride, f"{role}_stride": stride}

    for head in range(f["heads"]):
        for block, first in enumerate(range(0, f["rows"], f["block_rows"])):
            rows = min(f["block_rows"], f["rows"] - first)
            slot = block % f["blocks"] * f["block_rows"]
            common = {"rows": rows, "row": first, "drain": 1, "each_tile": 0}
            yield common | {
                "phase": Phase.LOGITS,
                **operand("x", "x", head, first),
                **operand("w", "w", head),
                **operand("y", "s", head, slot),
                "columns": f["columns"],
                "inner": f["inner"],
                "load": Load.HEAD,
                "load_word": (f["param_base"] - TCDM_BASE >> 3) + HEAD_WORDS * head,
            }
            yield common | {
                "phase": Phase.VALUES,
                **operand("x", "s", head, slot),
                **operand("w", "r", head),
                **operand("y", "y", head, first),
                "columns": f["inner"],
                "inner": f["columns"],
                "load": Load.MASSES,
                "load_count": rows,
            }


def products(config, f):
    """Return the fields that matter of each product of a job."""
    if f["kind"] == Kind.ATTENTION:
        return list(attention_products(f))
    found = list(linear_products(config.engine.tile, f))
    if f["use_table"]:
        found.insert(0, {"load": Load.TABLE, "load_word": f["table_base"] - TCDM_BASE >> 3})
    return found


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
@pytest.mark.parametrize("kind", [random_linear, random_attention], ids=["linear", "attention"])
def test_products(config, kind):
    dut = Sequencer(config=config)
    rng = np.random.default_rng(12)
    jobs = [kind(Image(config, rng), 100).fields for _ in range(15)]
    addresses = {"x", "w", "y"}

    async def testbench(ctx):
        for f in jobs:
            assert ctx.get(dut.idle)
            ctx.set(dut.descriptor, int.from_bytes(DESCRIPTOR.pack(**f), "little"))
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            want = products(config, f)
            got = await receive(ctx, dut.product, len(want), rng, float(rng.choice((1, 0.5))))
            for number, (have, fields) in enumerate(zip(got, want, strict=True)):
                for name, value in fields.items():
                    if name in addresses:
                        value -= TCDM_BASE
                    assert getattr(have, name) == value, f"{name} of product {number} of {f}"
            for _ in range(3):
                await ctx.tick()
                assert not ctx.get(dut.product.valid)

    simulate(dut, testbench)


def test_every_number_of_rows():
    """Blocks of linear jobs are as few and as equal as can be."""
    dut = Sequencer(config=TINY)
    rng = np.random.default_rng(0)
    fields = {"kind": Kind.LINEAR, "columns": 1, "inner": 1, "heads": 1}

    async def testbench(ctx):
        for rows in [*range(1, 100), 1000, 65535]:
            raw = DESCRIPTOR.pack(**fields, rows=rows)
            ctx.set(dut.descriptor, int.from_bytes(raw, "little"))
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            want = balanced(rows, 16)[:100]
            got = await receive(ctx, dut.product, len(want), rng)
            assert [(p.row, p.rows) for p in got] == want
            for _ in range(3):
                await ctx.tick()
            assert ctx.get(dut.idle) == (rows < 65535)

    simulate(dut, testbench)


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module jobs" in to_verilog(Sequencer(config=preset), name="jobs")
