import numpy as np
import pytest

from hw.attention.steps import Load, Phase, word_bits
from hw.attention.types import Join
from hw.attention.walk.walker import Walker
from hw.presets import PAPER, TINY
from hw.regmap import ElementType
from hw.verilog import to_verilog
from verif.lib.streams import Item, receive, send, simulate

ELEMENTS = ("direct", "residual", "statistics")
STREAMS = ("input", "weight", "issue", "parameter", "epilogue", "output", *ELEMENTS)
MATRIX = (Phase.LINEAR, Phase.LOGITS, Phase.VALUES)
SIZES = {ElementType.INT8: 1, ElementType.UINT8: 1, ElementType.INT16: 2, ElementType.INT32: 4}


def random_product(rng, config):
    tile, address = config.engine.tile, config.tcdm.addr_width
    phase = Phase(int(rng.integers(0, 5)))
    p = {"phase": phase}
    for n in "xwry":
        p |= {n: 8 * int(rng.integers(0, 1 << address - 3))}
        p |= {f"{n}_stride": 8 * int(rng.integers(0, 100))}
    for n in "xwrp":
        p[f"{n}_gate"] = {
            "wait": int(rng.integers(0, 2)),
            "by_row": int(rng.integers(0, 2)),
            "position": int(rng.integers(0, 1 << 24)),
        }
    load = {Phase.LOGITS: Load.HEAD, Phase.VALUES: Load.MASSES, Phase.STATISTICS: Load.NONE}.get(
        phase, Load(int(rng.integers(0, 2)))
    )
    free = phase in (Phase.LINEAR, Phase.DIRECT)
    types = [ElementType(int(rng.integers(0, 4))) for _ in range(3)]
    if phase in (Phase.LOGITS, Phase.VALUES):
        types = [ElementType.INT8] * 3
    return p | {
        "rows": int(rng.integers(1, tile + 1)),
        "columns": int(rng.integers(1, 4 * tile)),
        "inner": int(rng.integers(1, 4 * tile)) if rng.random() < 0.7 else tile,
        "row": int(rng.integers(0, 1000)),
        "turn": int(rng.integers(0, 4)),
        "load": load,
        "load_word": int(rng.integers(0, 1000)),
        "load_count": int(rng.integers(1, tile + 1)),
        "each_tile": int(free and load == Load.ENTRIES and rng.integers(0, 2)),
        **dict(zip(("x_type", "y_type", "r_type"), types, strict=True)),
        "raw": int(load == Load.NONE),
        "normalise": int(phase == Phase.DIRECT and rng.integers(0, 2)),
        "join": Join(int(rng.integers(0, 3))) if free else Join.NONE,
        "use_table": int(free and rng.integers(0, 2)),
        "table_bank": int(rng.integers(0, 2)),
        "table_release": int(rng.integers(0, 2)),
        "mask": {"kv_length": 5, "causal": int(rng.integers(0, 2)), "offset": -3},
    }


def elements(p, operand, element, **more):
    return {
        "stride": p[f"{operand}_stride"] // 8,
        "rows": p["rows"],
        "type": element,
        "gate": p[f"{operand}_gate"],
        **more,
    }


class Expected:
    """The steps of product after product, stream by stream."""

    def __init__(self, config):
        self.tile = config.engine.tile
        self.words = 1 << word_bits(config)
        self.bank = 0
        self.steps = {name: [] for name in STREAMS}

    def add(self, p):
        if p["load"] == Load.TABLE:
            table = {"load": Load.TABLE, "word": p["load_word"], "bank": p["table_bank"]}
            self.steps["parameter"].append(table)
        elif p["phase"] == Phase.STATISTICS:
            whole = {"word": p["x"] // 8, "columns": p["columns"], "by_row": 1, "release": 1}
            self.steps["statistics"].append(elements(p, "x", p["x_type"], **whole))
        else:
            for column in range(0, p["columns"], self.tile):
                self._tile(p, column)

    def _tile(self, p, column):
        columns = min(self.tile, p["columns"] - column)
        last_column = column + self.tile >= p["columns"]
        direct = int(p["phase"] == Phase.DIRECT)
        if p["load"] != Load.NONE and (p["each_tile"] or not column):
            parameter = {n: p[n] for n in ("load", "turn")} | {"bank": self.bank}
            parameter["word"] = (p["load_word"] + 2 * column * p["each_tile"]) % self.words
            parameter["count"] = columns if p["each_tile"] else p["load_count"]
            self.steps["parameter"].append(parameter | {"gate": p["p_gate"]})
        release = int(not p["raw"] and (p["each_tile"] or last_column))
        names = ("rows", "raw", "y_type", "join", "use_table", "table_bank")
        epilogue = {n: p[n] for n in names} | {"columns": columns, "direct": direct}
        if not p["raw"]:
            epilogue["bank"] = self.bank
        epilogue["release"] = release
        epilogue["table_release"] = int(p["table_release"] and last_column)
        self.steps["epilogue"].append(epilogue)
        output = {n: p[n] for n in ("rows", "y_type", "turn", "row", "mask")}
        output["word"] = self._word(p["y"] + column * SIZES[p["y_type"]])
        output |= {"stride": p["y_stride"] // 8, "columns": columns, "by_row": direct}
        output |= {"logits": int(p["phase"] == Phase.LOGITS), "key": column}
        self.steps["output"].append(output)
        if direct:
            word = self._word(p["x"] + column * SIZES[p["x_type"]])
            marks = {"normalise": p["normalise"], "release": int(p["normalise"] and last_column)}
            step = elements(p, "x", p["x_type"], word=word, columns=columns, by_row=1, **marks)
            self.steps["direct"].append(step)
        if p["join"] != Join.NONE:
            word = self._word(p["r"] + column * SIZES[p["r_type"]])
            step = elements(p, "r", p["r_type"], word=word, columns=columns, by_row=direct)
            self.steps["residual"].append(step)
        if not direct:
            for inner in range(0, p["inner"], self.tile):
                self._inner(p, column, columns, last_column, inner)
        self.bank ^= release

    def _inner(self, p, column, columns, last_column, inner):
        values = int(p["phase"] == Phase.VALUES)
        lanes = min(self.tile, p["inner"] - inner)
        last = int(inner + self.tile >= p["inner"])
        one = p["inner"] <= self.tile
        if not (one and column):
            step = {n: p[n] for n in ("rows", "turn", "row", "mask")} | {"gate": p["x_gate"]}
            step |= {"word": self._word(p["x"] + inner), "stride": p["x_stride"] // 8}
            step |= {"lanes": lanes, "key": inner, "softmax": values}
            step |= {"accumulate": int(values and not column), "first_sum": int(not inner)}
            self.steps["input"].append(step | {"sums_up": int(values and not column and last)})
        weight = {"word": self._word(p["w"] + column * p["w_stride"] + inner)}
        weight |= {"stride": p["w_stride"] // 8, "columns": columns, "words": -(-lanes // 8)}
        self.steps["weight"].append(weight | {"gate": p["w_gate"]})
        issue = {"rows": p["rows"], "columns": columns, "first": int(not inner), "last": last}
        issue["unsigned"] = int(values or p["x_type"] == ElementType.UINT8)
        self.steps["issue"].append(issue | {"keep": int(one and not last_column)})

    def _word(self, byte):
        return byte // 8 % self.words


def plain(value):
    """Return a struct's fields, or a number as it is."""
    if hasattr(value, "shape"):
        return {name: plain(getattr(value, name)) for name, _ in value.shape()}
    return value


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_steps(config):
    dut = Walker(config=config)
    rng = np.random.default_rng(13)
    products = [random_product(rng, config) for _ in range(80)]
    products.insert(5, {"load": Load.TABLE, "load_word": 77, "table_bank": 1})
    expected = Expected(config)
    for product in products:
        expected.add(product)
    want = expected.steps
    assert all(want.values())

    async def sender(ctx):
        await send(ctx, dut, dut.product, [Item(product) for product in products], rng)

    def taker(name):
        async def run(ctx):
            got = await receive(ctx, getattr(dut, name), len(want[name]), rng, 0.8)
            for number, (have, fields) in enumerate(zip(got, want[name], strict=True)):
                for member, value in fields.items():
                    found = plain(getattr(have, member))
                    assert found == value, f"{member} of {name} step {number}"

        return run

    simulate(dut, sender, *(taker(name) for name in STREAMS))


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module walker" in to_verilog(Walker(config=preset), name="walker")
