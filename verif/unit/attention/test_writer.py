import numpy as np
import pytest

from hw.attention.steps import word_bits
from hw.attention.streams.writer import Writer
from hw.config import ClusterConfig, EngineConfig
from hw.presets import PAPER, TINY
from hw.regmap import ElementType
from hw.verilog import to_verilog
from verif.lib.streams import Item, send, simulate

DTYPES = {
    ElementType.INT8: "<i1",
    ElementType.UINT8: "<u1",
    ElementType.INT16: "<i2",
    ElementType.INT32: "<i4",
}
NARROW = ClusterConfig(engine=EngineConfig(units=2, lanes=16))
WIDE = ClusterConfig(engine=EngineConfig(units=16, lanes=16))  # more words a row than ports
CONFIGS = {"tiny": TINY, "narrow": NARROW, "wide": WIDE, "paper": PAPER}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("y_type", list(ElementType), ids=lambda y_type: y_type.name)
def test_tiles(name, y_type):
    """Every element goes to its place, every other byte stays, and logits show what is visible."""
    config = CONFIGS[name]
    engine = config.engine
    dut = Writer(config=config)
    rng = np.random.default_rng(11)
    dtype = np.dtype(DTYPES[y_type])
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    mask = {"kv_length": 30, "causal": 1, "offset": 3}
    steps, items, logits, words = [], [], [], 1 << word_bits(config)
    want = {}
    word = 5
    for _ in range(6):
        rows, columns = int(rng.integers(1, 8)), int(rng.integers(1, engine.tile + 1))
        stride = -(-columns * dtype.itemsize // 8) + int(rng.integers(0, 2))
        row0, key0, observed = (int(rng.integers(n)) for n in (40, 30, 2))
        shape = {"word": word, "stride": stride, "rows": rows, "columns": columns}
        steps.append(shape | {"logits": observed, "row": row0, "key": key0})
        values = rng.integers(low, high + 1, (rows, engine.tile))
        for group in range(-(-columns // engine.units)):
            for row in range(rows):
                first = group * engine.units
                chosen = values[row, first : first + engine.units].tolist()
                items.append(Item({"row": row, "group": group, "values": chosen}))
                if observed:
                    keys = [first + lane for lane in range(engine.units)]
                    shown = [
                        k < columns and key0 + k < 30 and key0 + k <= row0 + row + 3 for k in keys
                    ]
                    logits.append((row, shown))
        for row in range(rows):
            for n, byte in enumerate(values[row, :columns].astype(dtype).tobytes()):
                want[8 * (word + row * stride) + n] = byte
        word += rows * stride + int(rng.integers(0, 3))
    assert word < words
    got, seen, done = {}, [], []

    async def stepper(ctx):
        ctx.set(dut.y_type, y_type)
        ctx.set(dut.mask, dut.mask.shape().const(mask))
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, 0.8)

    async def sender(ctx):
        await send(ctx, dut, dut.i, items, rng, 0.9)

    async def ports(ctx):
        layout = dut.write[0].payload.shape()
        while len(done) < len(steps) or not ctx.get(dut.idle):
            for write in dut.write:
                ctx.set(write.ready, rng.random() < 0.7)
            signals = [s for w in dut.write for s in (w.valid, w.ready, w.payload.as_value())]
            _, _, tile_done, shown, row, keep, *values = await ctx.tick().sample(
                dut.tile_done, dut.logits.valid, dut.logits.row, dut.logits.keep, *signals
            )
            if tile_done:
                done.append(True)
            if shown:
                seen.append((row, [bool(keep >> lane & 1) for lane in range(engine.units)]))
            for valid, ready, bits in zip(*[iter(values)] * 3, strict=True):
                if valid and ready:
                    write = layout.from_bits(bits)
                    for lane in range(8):
                        if write.strobe >> lane & 1:
                            address = 8 * write.word + lane
                            assert address not in got, "a byte was written twice"
                            got[address] = write.data >> 8 * lane & 0xFF

    simulate(dut, stepper, sender, ports)
    assert got == want
    assert seen == logits


def test_single_words_wait_for_outputs():
    dut = Writer(config=TINY)
    log = []

    async def testbench(ctx):
        ctx.set(dut.word.valid, 1)
        ctx.set(dut.word.payload, dut.word.payload.shape().const({"word": 9, "strobe": 0xFF}))
        ctx.set(dut.step.valid, 1)
        for _ in range(5):
            await ctx.tick()
            assert not ctx.get(dut.word.ready) and not ctx.get(dut.idle)
        ctx.set(dut.step.valid, 0)
        await ctx.tick().until(dut.word.ready)
        ctx.set(dut.word.valid, 0)
        assert not ctx.get(dut.idle)
        for write in dut.write:
            ctx.set(write.ready, 1)
        log.extend(ctx.get(w.payload.word) for w in dut.write if ctx.get(w.valid))
        await ctx.tick()
        assert ctx.get(dut.idle)

    simulate(dut, testbench)
    assert log == [9]


def test_a_refusing_port_does_not_stop_the_others():
    dut = Writer(config=PAPER)

    async def testbench(ctx):
        for write in dut.write[1:]:
            ctx.set(write.ready, 1)
        step = {"word": 0, "stride": 8, "rows": 64, "columns": 64}
        ctx.set(dut.step.payload, dut.step.payload.shape().const(step))
        ctx.set(dut.step.valid, 1)
        ctx.set(dut.i.valid, 1)
        for row in range(64):
            ctx.set(dut.i.payload.row, row)
            assert ctx.get(dut.i.ready), "a row a cycle"
            await ctx.tick()
            assert not ctx.get(dut.write[0].valid)

    simulate(dut, testbench)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_converts(config):
    assert "module writer" in to_verilog(Writer(config=config), name="writer")
