import numpy as np
import pytest

from hw.attention.steps import NORM_ROWS, Load, Phase
from hw.attention.types import Join
from hw.attention.walk.sequencer import Sequencer
from hw.config import TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import DESCRIPTOR, ElementType, Kind, MaskMode, ParamMode
from hw.verilog import to_verilog
from verif.lib.streams import Item, receive, send, simulate

ENTRY_WORDS, HEAD_WORDS = 2, 3
ADDRESSES = ("x", "w", "r", "y")
NOTHING_PERFORMED = (1 << 24) - 1


def random_fields(rng, config):
    """Return a job of any kind; operands lie anywhere: nothing is fetched here."""
    tile = config.engine.tile
    kind = Kind(int(rng.integers(1, 6)))
    f = {"kind": kind, "heads": int(rng.integers(1, 4)), "rows": int(rng.integers(1, 4 * tile))}
    f |= {name: int(rng.integers(1, 4 * tile)) for name in ("columns", "inner")}
    f |= {f"wait_{name}": int(rng.integers(0, 2)) for name in "xwrp"}
    for name in "xwrys":
        f[f"{name}_base"] = TCDM_BASE + 8 * int(rng.integers(0, 500))
        f[f"{name}_row_stride"] = 8 * int(rng.integers(0, 20))
        f[f"{name}_head_stride"] = 8 * int(rng.integers(0, 20)) * int(rng.integers(0, 2))
    f["param_base"], f["table_base"] = TCDM_BASE + 16 * 9, TCDM_BASE + 8 * 77
    types = {name: ElementType(int(rng.integers(0, 3))) for name in ("x_type", "y_type", "r_type")}
    if kind == Kind.ATTENTION:
        types = dict.fromkeys(types, ElementType.INT8)
        f["param_mode"] = ParamMode.HEAD
        f["mask_mode"] = int(rng.choice(list(MaskMode)))
        f["mask_offset"] = int(rng.integers(-f["rows"], f["columns"]))
        f["kv_length"] = int(rng.integers(0, f["columns"] + 1))
        f["block_rows"] = int(rng.integers(1, tile + 1))
        f["blocks"] = int(rng.integers(1, 3))
        return f | types
    f["param_mode"] = ParamMode(int(rng.integers(0, 4)))
    if kind != Kind.COPY:
        f["use_table"] = int(rng.integers(0, 2))
    if kind in (Kind.LINEAR, Kind.ELEMENTWISE):
        f[str(rng.choice(("use_residual", "accumulate", "kv_length")))] = 1
    if kind == Kind.LINEAR and rng.random() < 0.3:
        types["y_type"], f["use_table"], f["use_residual"] = ElementType.INT32, 0, 0
    return f | types


def row_blocks(tile, f):
    """Return (first row, rows) of each block."""
    rows = f["rows"]
    size = -(-rows // -(-rows // tile))  # as few as possible, equal but for the last
    if f["kind"] == Kind.ATTENTION:
        size = f["block_rows"]
    elif f["kind"] == Kind.LAYERNORM:
        size = NORM_ROWS
    return [(first, min(size, rows - first)) for first in range(0, rows, size)]


def operand(f, name, head, row=0):
    base = f[f"{name}_base"] - TCDM_BASE + head * f[f"{name}_head_stride"]
    return base + row * f[f"{name}_row_stride"]


def place(role, f, name, head, row=0):
    return {role: operand(f, name, head, row), f"{role}_stride": f[f"{name}_row_stride"]}


def sight(f, first, rows):
    """Return the keys that a block of attention sees."""
    seen = f["kv_length"]
    if f["mask_mode"] == MaskMode.CAUSAL:
        seen = min(seen, first + rows + f["mask_offset"])
    return max(seen, 1)


class Expected:
    """The products of job after job, with positions."""

    def __init__(self, config):
        self.engine = config.engine
        self.position = 0
        self.before = None
        self.turn = 0

    def _add(self, products, product):
        if product["phase"] != Phase.STATISTICS:
            self.last_start = self.position
            self.position += product["rows"] * -(-product["columns"] // self.engine.units)
        products.append(product)

    def _entries(self, f, head, first, rows):
        mode = f["param_mode"]
        index = {
            ParamMode.COMMON: 0,
            ParamMode.COLUMN: head * f["columns"],
            ParamMode.ROW: head * f["rows"] + first,
            ParamMode.HEAD: head,
        }[mode]
        if f["kind"] == Kind.COPY or f["y_type"] == ElementType.INT32:
            return {"load": Load.NONE}
        entries = {"load": Load.ENTRIES, "each_tile": mode == ParamMode.COLUMN}
        entries["load_word"] = (f["param_base"] - TCDM_BASE >> 3) + ENTRY_WORDS * index
        if mode != ParamMode.COLUMN:
            entries["load_count"] = rows if mode == ParamMode.ROW else 1
        return entries

    def job(self, f):
        """Return the fields that matter of a job's products."""
        found = []
        if f.get("use_table"):
            found.append({"load": Load.TABLE, "load_word": f["table_base"] - TCDM_BASE >> 3})
        start = self.position
        blocks = row_blocks(self.engine.tile, f)
        plain = {f"{n}_gate": {"wait": f[f"wait_{n}"], "by_row": 0} for n in "xwrp"}
        for gate in plain.values():
            gate["position"] = start
        second = None
        number = 0
        for head in range(f["heads"]):
            for first, rows in blocks:
                p = {"rows": rows, "row": first, **plain}
                for name in "xry":
                    p |= place(name, f, name, head, first)
                p |= {"columns": f["columns"], "x_type": f["x_type"], "y_type": f["y_type"]}
                if f["kind"] == Kind.LINEAR:
                    self._linear(f, p, head, first, rows, blocks, start)
                    self._add(found, p)
                elif f["kind"] in (Kind.ELEMENTWISE, Kind.COPY):
                    self._add(found, p | {"phase": Phase.DIRECT, "normalise": 0})
                    p |= self._entries(f, head, first, rows)
                    found[-1] |= p
                    if f["kind"] == Kind.COPY:
                        found[-1] |= {"raw": 1, "join": Join.NONE}
                elif f["kind"] == Kind.LAYERNORM:
                    self._add(found, p | {"phase": Phase.STATISTICS, "load": Load.NONE})
                    if second:
                        self._add(found, second)
                    p |= self._entries(f, head, first, rows)
                    second = p | {"phase": Phase.DIRECT, "normalise": 1}
                else:
                    turn = (first // f["block_rows"]) if f["s_head_stride"] else number
                    slot = turn % f["blocks"] * f["block_rows"]
                    keys = sight(f, first, rows)
                    logits = {
                        **p,
                        "phase": Phase.LOGITS,
                        **place("w", f, "w", head),
                        **place("y", f, "s", head, slot),
                        "columns": keys,
                        "inner": f["inner"],
                        "load": Load.HEAD,
                        "load_word": (f["param_base"] - TCDM_BASE >> 3) + HEAD_WORDS * head,
                        "turn": self.turn,
                    }
                    self._add(found, logits)
                    written = self.position
                    if second and f["blocks"] == 2:
                        self._add(found, second)
                    second = {
                        **p,
                        "phase": Phase.VALUES,
                        **place("x", f, "s", head, slot),
                        **place("w", f, "r", head),
                        "columns": f["inner"],
                        "inner": keys,
                        "load": Load.MASSES,
                        "load_count": rows,
                        "turn": self.turn,
                        "x_gate": {"wait": 1, "by_row": 1, "position": written - rows},
                        "w_gate": {"wait": f["wait_r"], "by_row": 0, "position": start},
                    }
                    if f["blocks"] == 1:
                        self._add(found, second)
                        second = None
                if f["kind"] in (Kind.ATTENTION, Kind.LAYERNORM):
                    self.turn = (self.turn + 1) % 4
                number += 1
        if second:
            self._add(found, second)
        for product in found[:-1]:
            product["table_release"] = 0
        found[-1]["table_release"] = f.get("use_table", 0)
        self.before = f | {"blocks_of": blocks, "last_start": self.last_start}
        return found

    def _linear(self, f, p, head, first, rows, blocks, start):
        p |= place("w", f, "w", head) | {"phase": Phase.LINEAR, "inner": f["inner"]}
        p |= self._entries(f, head, first, rows)
        join = Join.RESIDUAL if f.get("use_residual") else Join.NONE
        p["join"] = Join.ACCUMULATE if f.get("accumulate") else join
        b = self.before
        if (
            b
            and b["kind"] in (Kind.LINEAR, Kind.ATTENTION)
            and f["heads"] == 1
            and (f["x_base"], f["x_row_stride"]) == (b["y_base"], b["y_row_stride"])
            and f["inner"] <= f["x_row_stride"]
            and (f["rows"], blocks[0][1]) == (b["rows"], self._block_size(b))
        ):
            last = first + rows == f["rows"]
            position = start - rows if last else b["last_start"]
            p["x_gate"] = {"wait": f["wait_x"], "by_row": int(last), "position": position}

    @staticmethod
    def _block_size(b):
        return b["block_rows"] if b["kind"] == Kind.ATTENTION else b["blocks_of"][0][1]


def follow(rng, f, before):
    """Make `f` a linear job whose X is Y of the job before, most of the time row by row."""
    f |= {"kind": Kind.LINEAR, "heads": 1, "rows": before["rows"], "wait_x": 1}
    f |= {"x_base": before["y_base"], "x_row_stride": before["y_row_stride"]}
    f |= {"x_type": 0, "inner": int(rng.integers(1, max(2, before["y_row_stride"] + 2)))}
    for name in ("blocks", "block_rows", "mask_mode", "mask_offset", "kv_length"):
        f.pop(name, None)


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_products(config):
    dut = Sequencer(config=config)
    rng = np.random.default_rng(12)
    jobs = []
    for _ in range(60):
        f = random_fields(rng, config)
        if jobs and rng.random() < 0.4:
            follow(rng, f, jobs[-1])
        jobs.append(f)
    expected = Expected(config)
    want, ends = [], []
    for f in jobs:
        want += [(f, product) for product in expected.job(f)]
        ends.append(expected.position % (1 << 24))
    assert sum(p["x_gate"]["by_row"] for f, p in want if f["kind"] == Kind.LINEAR and "rows" in p)
    ended = []
    over = []

    async def sender(ctx):
        ctx.set(dut.performed, NOTHING_PERFORMED)
        raw = [int.from_bytes(DESCRIPTOR.pack(**f), "little") for f in jobs]
        await send(ctx, dut, dut.job, [Item(r) for r in raw], rng)

    async def watch(ctx):
        while not over or len(ended) < len(jobs):
            _, _, valid, position = await ctx.tick().sample(dut.ended.valid, dut.ended.position)
            if valid:
                ended.append(position)

    async def taker(ctx):
        got = await receive(ctx, dut.product, len(want), rng, 0.8)
        over.append(True)
        for number, (have, (f, fields)) in enumerate(zip(got, want, strict=True)):
            for name, value in fields.items():
                where = f"{name} of product {number} of {f}"
                found = getattr(have, name)
                if isinstance(value, dict):
                    if not value["wait"]:
                        assert not found.wait, where
                        continue
                    value = value | {"position": value["position"] % (1 << 24)}
                    found = {part: getattr(found, part) for part in value}
                elif name in ADDRESSES:
                    value %= config.tcdm.bytes
                assert found == value, where

    simulate(dut, sender, watch, taker)
    assert ended == ends


def test_no_gates_once_all_is_performed():
    """A job's products wait for earlier jobs only until these are performed; logits always."""
    dut = Sequencer(config=TINY)
    rng = np.random.default_rng(2)
    f = random_fields(rng, TINY) | {"kind": Kind.LINEAR, "rows": 100, "heads": 3, "use_table": 0}
    jobs = [f | {f"wait_{n}": 1 for n in "xwrp"}] * 2
    expected = Expected(TINY)
    products = expected.job(jobs[0]) + expected.job(jobs[1])
    of_second = len(products) // 2
    start = products[of_second]["w_gate"]["position"]
    seen = []

    async def sender(ctx):
        raw = int.from_bytes(DESCRIPTOR.pack(**jobs[0]), "little")
        await send(ctx, dut, dut.job, [Item(raw), Item(raw)], rng)

    async def taker(ctx):
        ctx.set(dut.performed, start - 1)
        seen.extend(await receive(ctx, dut.product, of_second + 5, rng))
        ctx.set(dut.performed, start)
        await ctx.tick().repeat(2)
        seen.extend(await receive(ctx, dut.product, len(products) - len(seen), rng))

    simulate(dut, sender, taker)
    waits = [[p[f"{n}_gate"].wait for n in "xwrp"] for p in seen[of_second:]]
    assert waits == [[1] * 4] * 5 + [[0] * 4] * (of_second - 5)


def test_every_number_of_rows():
    """Blocks of linear jobs are as few and as equal as can be."""
    dut = Sequencer(config=TINY)
    rng = np.random.default_rng(0)
    fields = {"kind": Kind.LINEAR, "columns": 1, "inner": 1, "heads": 1}
    sizes = [*range(1, 100), 1000]
    want = []
    for rows in sizes:
        want += row_blocks(16, fields | {"rows": rows})

    async def sender(ctx):
        raw = [int.from_bytes(DESCRIPTOR.pack(**fields, rows=rows), "little") for rows in sizes]
        await send(ctx, dut, dut.job, [Item(r) for r in raw], rng)

    async def taker(ctx):
        got = await receive(ctx, dut.product, len(want), rng)
        assert [(p.row, p.rows) for p in got] == want

    simulate(dut, sender, taker)


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module jobs" in to_verilog(Sequencer(config=preset), name="jobs")
