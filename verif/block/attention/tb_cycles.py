"""Runs inside the simulator: cycles of single jobs, and of the same ones one after the other."""

import json
import os
from pathlib import Path

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from hw.presets import preset
from hw.regmap import DESCRIPTOR, HEAD_PARAMETER, PARAMETER, ElementType, Kind, ParamMode, Status
from verif.lib.engine_bench import EngineBench, compare, expected
from verif.lib.engine_jobs import Image

CONFIG = preset(os.environ["PRESET"])


def place(image: Image, work: dict):
    """Put a job into the image, with rows as close together as they may be; return its address."""
    rows, columns, inner, heads = (work[n] for n in ("rows", "columns", "inner", "heads"))
    attention = work["kind"] == "attention"
    block = CONFIG.engine.tile
    sizes = {"x": (rows, inner), "w": (columns, inner), "y": (rows, columns)}
    if attention:
        sizes |= {"y": (rows, inner), "r": (inner, columns), "s": (2 * block, columns)}
    fields = {"kind": Kind.LINEAR, "param_mode": ParamMode.COLUMN, "y_type": ElementType.INT8}
    if attention:
        fields |= {"kind": Kind.ATTENTION, "param_mode": ParamMode.HEAD, "kv_length": columns}
        fields |= {"block_rows": min(rows, block), "blocks": 2}
    for name, (count, size) in sizes.items():
        stride = -(-size // 8) * 8
        shared = name == "s"
        fields |= {
            f"{name}_base": image.place(stride * count * (1 if shared else heads), 64),
            f"{name}_row_stride": stride,
            f"{name}_head_stride": 0 if shared else stride * count,
        }
    if attention:
        entry = HEAD_PARAMETER.pack(mul=40, shift=14, add=1 << 13, j=4, gain=1)
        entries = heads
    else:
        entry, entries = PARAMETER.pack(mul=40, shift=14, add=1 << 13), columns * heads
    fields["param_base"] = image.place(len(entry) * entries)
    image.put(fields["param_base"], entry * entries)
    fields |= {"rows": rows, "columns": columns, "inner": inner, "heads": heads}
    fields |= {"version": 1, "status": image.place(8), "event_mask": 1}
    address = image.place(DESCRIPTOR.bytes, 64)
    image.put(address, DESCRIPTOR.pack(**fields))
    return address


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def cycles(dut):
    bench = EngineBench(dut, CONFIG, "top")
    await bench.start()
    rows = []
    for work in json.loads(os.environ["WORK"]):
        image = Image(CONFIG, np.random.default_rng(0))
        address = place(image, work)
        want, results = expected(CONFIG, image.bytes, address)
        assert results[0].status == Status.DONE
        row = {}
        for chance in (1.0, 0.9, 0.5):
            bench.grant(chance)
            bench.memory.load(bytes(image.bytes))
            begin = int(dut.cycle.value)
            await bench.write("doorbell", address)
            await RisingEdge(dut.event__valid)
            row[str(chance)] = int(dut.cycle.value) - begin
            await bench.wait_idle(100)
            compare(bench.memory.dump(), want, results, str(work))
        rows.append(row)
    Path(os.environ["RESULT"]).write_text(json.dumps(rows))
