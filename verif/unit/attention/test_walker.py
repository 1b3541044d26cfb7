import numpy as np
import pytest

from hw.attention.steps import Load, Phase, word_bits
from hw.attention.walk.walker import Walker
from hw.presets import PAPER, TINY
from hw.regmap import ElementType
from hw.verilog import to_verilog
from verif.lib.streams import Item, receive, send, simulate

STREAMS = ("input", "weight", "issue", "parameter", "output")


def random_product(rng, config):
    tile, address = config.engine.tile, config.tcdm.addr_width
    phase = Phase(int(rng.integers(0, 3)))
    places = {n: 8 * int(rng.integers(0, 1 << address - 3)) for n in ("x", "w", "y")}
    strides = {f"{n}_stride": 8 * int(rng.integers(0, 100)) for n in ("x", "w", "y")}
    load = {
        Phase.LINEAR: rng.choice([Load.KEEP, Load.ENTRIES]),
        Phase.LOGITS: Load.HEAD,
        Phase.VALUES: Load.MASSES,
    }[phase]
    return {
        "phase": phase,
        **places,
        **strides,
        "rows": int(rng.integers(1, tile + 1)),
        "columns": int(rng.integers(1, 4 * tile)),
        "inner": int(rng.integers(1, 4 * tile)),
        "row": int(rng.integers(0, 1000)),
        "load": load,
        "load_word": int(rng.integers(0, 1000)),
        "load_count": int(rng.integers(1, tile + 1)),
        "each_tile": int(phase == Phase.LINEAR and rng.integers(0, 2)),
        "drain": int(phase != Phase.LINEAR),
    }


def steps_of(config, product, size, is_unsigned):
    """Return the steps of a product, stream by stream."""
    tile, p = config.engine.tile, product
    words = 1 << word_bits(config)
    steps = {name: [] for name in STREAMS}
    if p["load"] == Load.TABLE:
        steps["parameter"].append({"load": Load.TABLE, "word": p["load_word"]})
        return steps
    values = p["phase"] == Phase.VALUES
    for column in range(0, p["columns"], tile):
        columns = min(tile, p["columns"] - column)
        load = p["load"] if p["each_tile"] or not column else Load.KEEP
        parameter = {"load": load}
        if load != Load.KEEP:
            parameter["word"] = (p["load_word"] + (2 * column if p["each_tile"] else 0)) % words
            parameter["count"] = columns if p["each_tile"] else p["load_count"]
        steps["parameter"].append(parameter)
        steps["output"].append(
            {
                "word": (p["y"] + column * size) // 8 % words,
                "stride": p["y_stride"] // 8,
                "rows": p["rows"],
                "columns": columns,
                "logits": p["phase"] == Phase.LOGITS,
                "row": p["row"],
                "key": column,
            }
        )
        for inner in range(0, p["inner"], tile):
            lanes = min(tile, p["inner"] - inner)
            last = inner + tile >= p["inner"]
            steps["input"].append(
                {
                    "word": (p["x"] + inner) // 8 % words,
                    "stride": p["x_stride"] // 8,
                    "rows": p["rows"],
                    "lanes": lanes,
                    "softmax": values,
                    "accumulate": values and column == 0,
                    "sums_up": values and column == 0 and last,
                    "row": p["row"],
                    "key": inner,
                }
            )
            steps["weight"].append(
                {
                    "word": (p["w"] + column * p["w_stride"] + inner) // 8 % words,
                    "stride": p["w_stride"] // 8,
                    "columns": columns,
                    "words": -(-lanes // 8),
                }
            )
            steps["issue"].append(
                {
                    "rows": p["rows"],
                    "columns": columns,
                    "first": inner == 0,
                    "last": last,
                    "unsigned": values or is_unsigned,
                }
            )
    return steps


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
@pytest.mark.parametrize(
    "y_type, size", [(ElementType.INT8, 1), (ElementType.INT16, 2), (ElementType.INT32, 4)]
)
def test_steps(config, y_type, size):
    dut = Walker(config=config)
    rng = np.random.default_rng(13)
    is_unsigned = size > 1
    products = [random_product(rng, config) for _ in range(20)]
    products.insert(5, {"load": Load.TABLE, "load_word": 77})
    if size > 1:  # outputs of attention are int8
        products = [p for p in products if p.get("phase", Phase.LINEAR) == Phase.LINEAR]
    want = {name: [] for name in STREAMS}
    for product in products:
        for name, steps in steps_of(config, product, size, is_unsigned).items():
            want[name] += steps
    cleared = []
    left = dict.fromkeys(STREAMS, True)

    async def sender(ctx):
        ctx.set(dut.y_type, y_type)
        ctx.set(dut.unsigned, is_unsigned)
        await send(ctx, dut, dut.product, [Item(product) for product in products], rng)

    async def drain(ctx):
        while True:
            ctx.set(dut.drained, rng.random() < 0.1)
            _, _, drained, maxima, masses = await ctx.tick().sample(
                dut.drained, dut.clear_maxima, dut.clear_masses
            )
            assert drained or not (maxima | masses)
            cleared.extend([Phase.LOGITS] * maxima + [Phase.VALUES] * masses)
            if not any(left.values()):
                return

    def taker(name):
        async def run(ctx):
            got = await receive(ctx, getattr(dut, name), len(want[name]), rng, 0.8)
            left[name] = False
            for number, (have, fields) in enumerate(zip(got, want[name], strict=True)):
                for member, value in fields.items():
                    assert getattr(have, member) == value, f"{member} of {name} step {number}"

        return run

    simulate(dut, sender, drain, *(taker(name) for name in STREAMS))
    phases = [p.get("phase", Phase.LINEAR) for p in products]
    assert cleared == [phase for phase in phases if phase != Phase.LINEAR]


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module walker" in to_verilog(Walker(config=preset), name="walker")
