"""The checker against its definition, on descriptors with random faults."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.attention.control.checker import Checker
from hw.config import TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import DESCRIPTOR, DESCRIPTOR_VERSION, ElementType, Kind, ParamMode, Status
from hw.verilog import to_verilog
from sw_model.engine import check

LATENCY = 9
SPECIAL = (0, 1, 2, 3, 5, 8, 15, 16, 17, 64, 65, 65535, 65536, (1 << 31) + 8, (1 << 32) - 8)


SIZES = (1, 2, 3, 4, 5, 8, 9, 15, 17)
OPERANDS = "xwrys"


def good(rng, config):
    """Return the fields of a descriptor with nothing wrong, but that areas may be too big."""

    def pick(values):
        return int(rng.choice(list(values)))

    kind = Kind(pick(Kind))
    f = {"kind": kind, "version": DESCRIPTOR_VERSION, "heads": pick((1, 1, 2, 3))}
    f |= {name: pick(SIZES) for name in ("rows", "columns", "inner")}
    f |= {"param_mode": pick(ParamMode), "mask_mode": pick(range(4)), "r_type": pick(range(4))}
    f |= {"x_type": pick(range(2)), "y_type": pick(range(2)), "use_table": pick(range(2))}
    f |= {"block_rows": pick(range(1, 9)), "blocks": pick((1, 2)), "mask_offset": pick((-1, 5))}
    f |= {"event_mask": pick(range(1 << 16)), "status": pick((0, TCDM_BASE))}
    join = pick(range(3))
    if kind == Kind.ATTENTION:
        f |= {"x_type": 0, "y_type": 0, "use_table": 0, "mask_mode": f["mask_mode"] % 2}
        f |= {"param_mode": ParamMode.HEAD, "kv_length": pick(range(f["columns"] + 1))}
    elif kind == Kind.LAYERNORM:
        f |= {"x_type": pick(range(3))}
    elif kind == Kind.COPY:
        f |= {"x_type": pick(range(4)), "use_table": 0}
        f["y_type"] = f["x_type"]
    else:
        if kind == Kind.ELEMENTWISE:
            f |= {"x_type": pick(range(4))}
        if not f["use_table"]:
            f |= {"y_type": pick(range(3 if join == 1 else 4))}
        if join:
            f |= {"use_residual": int(join == 1), "accumulate": int(join == 2)}
            f |= {"r_type": pick(range(3)) if join == 1 else ElementType.INT32}
    if kind in (Kind.LAYERNORM, Kind.ELEMENTWISE, Kind.COPY):
        f["inner"] = pick((0, 1, 70_000, (1 << 32) - 1))
    for name in OPERANDS:
        f |= {f"{name}_{part}_stride": 8 * pick(range(9)) for part in ("row", "head")}
    room = config.tcdm.bytes - (0 if rng.random() < 0.2 else 4096)
    for name in ("param", "table", *OPERANDS):
        f[f"{name}_base"] = TCDM_BASE + 8 * int(rng.integers(room // 8))
    return f


def corrupted(rng, config, fields):
    """Return the bytes of a descriptor with up to two fields changed, near a limit if possible."""
    fields = dict(fields)
    for _ in range(int(rng.integers(0, 3))):
        _, field = DESCRIPTOR.fields[int(rng.integers(len(DESCRIPTOR.fields)))]
        largest = (1 << field.width) - 1
        near = [TCDM_BASE - 8, TCDM_BASE, TCDM_BASE + config.tcdm.bytes - 8 * int(rng.integers(4))]
        old = fields.get(field.name, 0) & largest
        tries = [*SPECIAL, *near, old + 1, old ^ 8, old * 2, int(rng.integers(0, largest + 1))]
        value = int(rng.choice(tries)) & largest
        fields[field.name] = field.decode(value << field.low)
    raw = bytearray(DESCRIPTOR.pack(**fields))
    if rng.random() < 0.05:
        raw[int(rng.integers(len(raw)))] ^= 1 << int(rng.integers(8))
    return bytes(raw)


def at_the_edge(config):
    """Return triples of a field's name, a descriptor in which it just fits, one in which not."""
    end = TCDM_BASE + config.tcdm.bytes
    common = {
        "version": DESCRIPTOR_VERSION,
        "rows": 3,
        "columns": 5,
        "inner": 9,
        "heads": 2,
        **{f"{n}_{part}": 64 for n in OPERANDS for part in ("row_stride", "head_stride")},
        **{f"{n}_base": TCDM_BASE for n in OPERANDS},
        "param_base": TCDM_BASE,
        "table_base": TCDM_BASE,
    }
    linear = common | {"kind": Kind.LINEAR, "param_mode": ParamMode.COLUMN}
    attention = common | {"kind": Kind.ATTENTION, "param_mode": ParamMode.HEAD, "kv_length": 5}
    attention |= {"block_rows": 4, "blocks": 2}
    norm = linear | {"kind": Kind.LAYERNORM, "inner": 1 << 31}
    element = norm | {"kind": Kind.ELEMENTWISE}
    copy = norm | {"kind": Kind.COPY, "param_base": end}
    residual, accumulate = {"use_residual": 1}, {"accumulate": 1, "r_type": ElementType.INT32}
    whole = {"rows": 1, "columns": 1, "heads": 1}
    # Bytes from the base of each operand to the end of the last 8-byte word that is touched.
    sizes = [
        (linear, "x_base", 64 * (2 + 1) + 16),
        (linear, "w_base", 64 * (4 + 1) + 16),
        (linear, "y_base", 64 * (2 + 1) + 8),
        (linear | {"y_type": ElementType.INT16}, "y_base", 64 * (2 + 1) + 16),
        (linear | {"y_type": ElementType.INT32}, "y_base", 64 * (2 + 1) + 24),
        (linear, "param_base", 16 * 5 * 2),
        (linear | {"param_mode": ParamMode.ROW}, "param_base", 16 * 3 * 2),
        (linear | {"param_mode": ParamMode.HEAD}, "param_base", 16 * 2),
        (linear | {"param_mode": ParamMode.COMMON}, "param_base", 16),
        (linear | {"use_table": 1}, "table_base", 256),
        (attention, "y_base", 64 * (2 + 1) + 16),
        (attention, "r_base", 64 * (8 + 1) + 8),
        (attention, "s_base", 64 * (7 + 1) + 8),
        (attention | {"blocks": 1}, "s_base", 64 * (3 + 1) + 8),
        (attention, "param_base", 24 * 2),
        (linear | residual, "r_base", 64 * (2 + 1) + 8),
        (linear | residual | {"r_type": ElementType.INT16}, "r_base", 64 * (2 + 1) + 16),
        (linear | accumulate, "r_base", 64 * (2 + 1) + 24),
        (norm, "x_base", 64 * (2 + 1) + 8),
        (norm | {"x_type": ElementType.INT16}, "x_base", 64 * (2 + 1) + 16),
        (norm, "y_base", 64 * (2 + 1) + 8),
        (norm, "param_base", 16 * 5 * 2),
        (norm | {"use_table": 1}, "table_base", 256),
        (element | {"x_type": ElementType.INT32}, "x_base", 64 * (2 + 1) + 24),
        (element | residual, "r_base", 64 * (2 + 1) + 8),
        (element | accumulate, "r_base", 64 * (2 + 1) + 24),
        (copy, "x_base", 64 * (2 + 1) + 8),
        (copy | {"x_type": 3, "y_type": 3}, "x_base", 64 * (2 + 1) + 24),
        (copy | {"x_type": 2, "y_type": 2}, "y_base", 64 * (2 + 1) + 16),
        (copy | whole | {"x_row_stride": 1 << 31, "x_head_stride": 1 << 31}, "x_base", 8),
        (attention, "status", 8),
    ]
    for fields, name, size in sizes:
        yield name, fields | {name: end - size}, fields | {name: end - size + 8}


def statuses(config, descriptors):
    """Return what the checker says about each descriptor."""
    dut = Checker(config=config)
    found = []

    async def testbench(ctx):
        for raw in descriptors:
            ctx.set(dut.descriptor, int.from_bytes(raw, "little"))
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            for _ in range(LATENCY):
                *_, done, status = await ctx.tick().sample(dut.done, dut.status)
                if done:
                    break
            assert done, f"not done after {LATENCY} cycles"
            assert bool(ctx.get(dut.status_ok)) == (status != Status.STATUS_ADDRESS)
            found.append(Status(status))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return found


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_edges(config):
    names, fits, exceeds = zip(*at_the_edge(config), strict=True)
    good = statuses(config, [DESCRIPTOR.pack(**fields) for fields in fits])
    bad = statuses(config, [DESCRIPTOR.pack(**fields) for fields in exceeds])
    for name, fields, inside, outside in zip(names, fits, good, bad, strict=True):
        code = Status.STATUS_ADDRESS if name == "status" else Status.OUT_OF_RANGE
        assert (inside, outside) == (Status.DONE, code), (name, fields)


@pytest.mark.parametrize("config", [TINY, replace(PAPER, name="other")], ids=["tiny", "paper"])
def test_equals_definition(config):
    rng = np.random.default_rng(7)
    descriptors = []
    for _ in range(40):
        fields = good(rng, config)
        descriptors += [corrupted(rng, config, fields) for _ in range(25)]
    want = [check(config, raw) for raw in descriptors]
    assert statuses(config, descriptors) == want
    missed = {code for code in Status if code > Status.DESCRIPTOR_ADDRESS} - set(want)
    assert missed == {Status.BAD_PARAMETER, Status.UNSUPPORTED}, "one lies elsewhere"
    ran = {raw[0] & 15 for raw, code in zip(descriptors, want, strict=True) if code == Status.DONE}
    assert ran == set(Kind)


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module job_checker" in to_verilog(Checker(config=preset), name="job_checker")
