import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import POSITION_BITS, OutputStep, word_bits
from hw.attention.streams.fence import WriteFence
from hw.attention.streams.port import Port, PortLoad
from hw.attention.streams.writer import Writer
from hw.attention.types import OutputRow
from hw.config import ClusterConfig, EngineConfig
from hw.presets import PAPER, TINY
from hw.regmap import ElementType
from hw.tcdm.bus import TcdmSignature
from hw.verilog import to_verilog
from verif.lib.configs import BETWEEN
from verif.lib.streams import Item, send, simulate

DTYPES = {
    ElementType.INT8: "<i1",
    ElementType.UINT8: "<u1",
    ElementType.INT16: "<i2",
    ElementType.INT32: "<i4",
}
CONFIGS = BETWEEN | {
    "tiny": TINY,
    "paper": PAPER,
    "thin": ClusterConfig(engine=EngineConfig(units=2, lanes=64)),
    "wide": ClusterConfig(engine=EngineConfig(units=64, lanes=64)),
}
LENGTH = 30  # keys


def shows(step, query, key):
    return key < LENGTH and (not step["mask"]["causal"] or key <= query + step["mask"]["offset"])


class Work:
    """Random tiles of every type and order: steps, their outputs, and what must come of them."""

    def __init__(self, config, rng, tiles):
        self.steps, self.items, self.logits = [], [], []
        self.image = {}
        engine = config.engine
        word = 5
        for _ in range(tiles):
            y_type = ElementType(int(rng.integers(4)))
            dtype = np.dtype(DTYPES[y_type])
            rows, columns = int(rng.integers(1, 8)), int(rng.integers(1, engine.tile + 1))
            step = {
                "word": word,
                "stride": -(-columns * dtype.itemsize // 8) + int(rng.integers(2)),
                "rows": rows,
                "columns": columns,
                "y_type": y_type,
                "by_row": int(rng.integers(2)),
                "logits": int(y_type == ElementType.INT8 and rng.integers(2)),
                "turn": int(rng.integers(4)),
                "row": int(rng.integers(40)),
                "key": int(rng.choice([0, rng.integers(LENGTH + 4)])),
                "mask": {
                    "kv_length": LENGTH,
                    "causal": int(rng.integers(2)),
                    "offset": int(rng.integers(-20, 20)),
                },
            }
            self.steps.append(step)
            info = np.iinfo(dtype)
            values = rng.integers(info.min, info.max + 1, (rows, engine.tile))
            groups = range(-(-columns // engine.units))
            if step["by_row"]:
                order = [(row, group) for row in range(rows) for group in groups]
            else:
                order = [(row, group) for group in groups for row in range(rows)]
            for row, group in order:
                self._output(step, row, group, values[row], engine.units)
            for row in range(rows):
                for n, byte in enumerate(values[row, :columns].astype(dtype).tobytes()):
                    self.image[8 * (word + row * step["stride"]) + n] = byte
            word += rows * step["stride"] + int(rng.integers(3))
        self.end = word
        assert word + 64 < 1 << word_bits(config)

    def _output(self, step, row, group, values, units):
        first = group * units
        chosen = values[first : first + units].tolist()
        self.items.append(Item({"row": row, "group": group, "values": chosen}))
        if step["logits"]:
            keep = [
                lane < step["columns"] and shows(step, step["row"] + row, step["key"] + lane)
                for lane in range(first, first + units)
            ]
            is_first = step["key"] == 0 and group == 0
            self.logits.append((row, step["turn"] % 2, is_first, keep, chosen))


def set_ports(ctx, dut, room, loads):
    """Say which ports have room and how full they are, at once: each setting takes time."""
    bits = sum(
        int(free) << n | int(load) << len(room) + 2 * n
        for n, (free, load) in enumerate(zip(room, loads, strict=True))
    )
    ready = [write.ready for write in dut.write]
    ctx.set(Cat(*ready, *(Value.cast(load) for load in dut.load)), bits)


def random_loads(rng, ports):
    return [int(load) for load in rng.choice(4, ports, p=(0.3, 0.2, 0.2, 0.3))]


class Ports:
    """Ports with random room and load; keeps what is written and counts words handed over."""

    def __init__(self, dut, rng, room=0.7):
        self.bytes, self.words = {}, 0
        self._dut, self._rng, self._room = dut, rng, room
        self._loads = [PortLoad.CROWDED.value] * len(dut.write)

    async def cycle(self, ctx, *signals):
        """Pass a cycle; return the words handed over in it and the samples of `signals`."""
        dut = self._dut
        room = [
            load != PortLoad.CROWDED.value or self._rng.random() < self._room
            for load in self._loads
        ]
        self._loads = random_loads(self._rng, len(room))
        set_ports(ctx, dut, room, self._loads)
        wanted = [s for w in dut.write for s in (w.valid, w.ready, w.payload.as_value())]
        _, _, *values = await ctx.tick().sample(*wanted, *signals)
        layout = dut.write[0].payload.shape()
        written = []
        for valid, ready, bits in zip(*[iter(values[: len(wanted)])] * 3, strict=True):
            assert ready or not valid, "a word goes only where there is room"
            if valid:
                written.append(layout.from_bits(bits))
        for write in written:
            for lane in range(8):
                if write.strobe >> lane & 1:
                    address = 8 * write.word + lane
                    assert address not in self.bytes, "a byte was written twice"
                    self.bytes[address] = write.data >> 8 * lane & 0xFF
        return written, values[len(wanted) :]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", range(2))
def test_tiles_and_words(name, seed):
    """Every element goes to its place, every other byte stays, and logits show what is visible.

    Rows count as issued once all their words are with the ports, and single words likewise.
    """
    config = CONFIGS[name]
    engine = config.engine
    units = engine.units
    dut = Writer(config=config)
    rng = np.random.default_rng(seed)
    work = Work(config, rng, tiles=5 if engine.tile == 64 else 14)
    singles = [
        {"word": work.end + n, "data": int(rng.integers(1 << 62)), "strobe": 0xFF}
        for n in range(10)
    ]
    want = dict(work.image)
    for write in singles:
        for lane, byte in enumerate(write["data"].to_bytes(8, "little")):
            want[8 * write["word"] + lane] = byte
    ports = Ports(dut, rng)
    seen = []

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in work.steps], rng, 0.8)

    async def sender(ctx):
        await send(ctx, dut, dut.i, work.items, rng, 0.9)

    async def control(ctx):
        for write in singles:
            for _ in range(int(rng.integers(12))):
                await ctx.tick()
            await send(ctx, dut, dut.word, [Item(write)], rng)

    async def watch(ctx):
        logits = dut.logits
        taken, single = 0, 0
        while taken < len(work.items) or single < len(singles) or not ctx.get(dut.idle):
            before = (taken, single)
            written, values = await ports.cycle(
                ctx,
                *(dut.i.valid, dut.i.ready, dut.word.valid, dut.word.ready),
                *(dut.issued, dut.words),
                *(logits.valid, logits.row, logits.bank, logits.first, logits.keep),
                *(logits.values[lane] for lane in range(units)),
            )
            sent, ready, word_sent, word_ready, issued, words, shown, row, bank, *rest = values
            taken += sent and ready
            single += word_sent and word_ready
            assert issued <= before[0] and (words - before[1]) % 8 in (0, 7)
            if shown:
                keep = [bool(rest[1] >> lane & 1) for lane in range(units)]
                seen.append((row, bank, bool(rest[0]), keep, rest[2:]))
        for _ in range(3):
            _, (shown, *values) = await ports.cycle(
                ctx,
                *(logits.valid, logits.row, logits.bank, logits.first, logits.keep),
                *(logits.values[lane] for lane in range(units)),
            )
            if shown:
                row, bank, first, bits, *lanes = values
                keep = [bool(bits >> lane & 1) for lane in range(units)]
                seen.append((row, bank, bool(first), keep, lanes))
        assert ctx.get(dut.issued) == len(work.items)
        assert ctx.get(dut.words) == len(singles) % 8

    simulate(dut, stepper, sender, control, watch)
    assert ports.bytes == want
    assert seen == work.logits


def test_counts_what_ports_have():
    """`issued` and `words` count a row or a word in the cycle after its last word went."""
    dut = Writer(config=CONFIGS["wide"])  # 32 words in two turns

    async def testbench(ctx):
        step = {"word": 0, "stride": 32, "rows": 1, "columns": 64, "y_type": ElementType.INT32}
        ctx.set(dut.step.payload, dut.step.payload.shape().const(step))
        ctx.set(dut.step.valid, 1)
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.word.valid, 1)  # in the middle of the row
        for write in dut.write:
            ctx.set(write.ready, 1)
        log = []
        for _ in range(5):
            handed = sum(ctx.get(write.valid) for write in dut.write)
            log.append((handed, ctx.get(dut.issued), ctx.get(dut.words)))
            taken = ctx.get(dut.i.ready)
            await ctx.tick()
            ctx.set(dut.word.valid, 0)
            if taken:
                ctx.set(dut.i.valid, 0)
                ctx.set(dut.step.valid, 0)
        assert log == [(16, 0, 0), (1, 0, 0), (16, 0, 1), (0, 1, 1), (0, 1, 1)]

    simulate(dut, testbench)


def test_single_words_go_first():
    """They need not wait for the end of a tile."""
    dut = Writer(config=TINY)

    async def testbench(ctx):
        for write in dut.write:
            ctx.set(write.ready, 1)
        step = {"word": 0, "stride": 2, "rows": 16, "columns": 16}
        ctx.set(dut.step.payload, dut.step.payload.shape().const(step))
        ctx.set(dut.step.valid, 1)
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        await ctx.tick()
        ctx.set(dut.word.payload, dut.word.payload.shape().const({"word": 99, "strobe": 0xFF}))
        ctx.set(dut.word.valid, 1)
        assert ctx.get(dut.word.ready) and not ctx.get(dut.i.ready)
        await ctx.tick()
        ctx.set(dut.word.valid, 0)
        assert [ctx.get(w.payload.word) for w in dut.write if ctx.get(w.valid)] == [99]
        assert ctx.get(dut.i.ready), "outputs go on"

    simulate(dut, testbench)


def test_the_emptiest_ports_first():
    """Of ports with room those of the lowest load are chosen, and in turn where many are alike."""
    dut = Writer(config=PAPER)
    rng = np.random.default_rng(8)
    used = np.zeros(PAPER.engine.ports, int)

    async def testbench(ctx):
        step = {"word": 0, "stride": 8, "rows": 64, "columns": 64, "y_type": ElementType.INT16}
        ctx.set(dut.step.payload, dut.step.payload.shape().const(step))
        ctx.set(dut.step.valid, 1)
        ctx.set(dut.i.valid, 1)
        loads = [0] * len(dut.write)
        for _ in range(300):
            alike = rng.random() < 0.3
            room = [load != PortLoad.CROWDED.value or bool(rng.random() < 0.5) for load in loads]
            loads = [0] * len(room) if alike else random_loads(rng, len(room))
            set_ports(ctx, dut, room, loads)
            chosen = [bool(ctx.get(write.valid)) for write in dut.write]
            if any(chosen):
                assert sum(chosen) == 4
                best = sorted(load for load, free in zip(loads, room, strict=True) if free)[:4]
                assert sorted(np.array(loads)[chosen]) == best
                used[:] += alike * np.array(chosen)
            await ctx.tick()

    simulate(dut, testbench)
    assert used.min() > used.mean() / 2, "in turn"


@pytest.mark.parametrize("y_type", list(ElementType), ids=lambda y_type: y_type.name)
def test_a_row_a_cycle_beside_a_refusing_port(y_type):
    dut = Writer(config=PAPER)

    async def testbench(ctx):
        for write in dut.write[1:]:
            ctx.set(write.ready, 1)
        step = {"word": 0, "stride": 32, "rows": 64, "columns": 64, "y_type": y_type}
        ctx.set(dut.step.payload, dut.step.payload.shape().const(step))
        ctx.set(dut.step.valid, 1)
        ctx.set(dut.i.valid, 1)
        for row in range(64):
            ctx.set(dut.i.payload.row, row)
            assert ctx.get(dut.i.ready), "a row a cycle"
            await ctx.tick()
            assert not ctx.get(dut.write[0].valid)
        await ctx.tick()
        assert ctx.get(dut.issued) == 64

    simulate(dut, testbench)


class WriterOnPorts(wiring.Component):
    """A writer, its ports and the fence."""

    def __init__(self, config):
        self.config = config
        bus = TcdmSignature(addr_width=config.tcdm.addr_width)
        super().__init__(
            {
                "step": In(stream.Signature(OutputStep(config))),
                "i": In(stream.Signature(OutputRow(config.engine))),
                "done": Out(POSITION_BITS),
                "bus": Out(bus).array(config.engine.ports),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.writer = writer = Writer(config=self.config)
        m.submodules.fence = fence = WriteFence(config=self.config.engine)
        wiring.connect(m, wiring.flipped(self.step), writer.step)
        wiring.connect(m, wiring.flipped(self.i), writer.i)
        m.d.comb += [fence.issued.eq(writer.issued), self.done.eq(fence.done)]
        for number, bus in enumerate(self.bus):
            port = m.submodules[f"port_{number}"] = Port(config=self.config)
            wiring.connect(m, writer.write[number], port.write)
            wiring.connect(m, port.bus, wiring.flipped(bus))
            m.d.comb += [
                writer.load[number].eq(port.load),
                fence.pending[number].eq(port.pending),
                fence.performed[number].eq(port.performed),
            ]
        return m


def rows_on_ports(config, y_type, rows, chance):
    """Write rows of N elements over ports that are granted at random; return the cycles.

    In each cycle the rows before `done` are whole in memory.
    """
    dut = WriterOnPorts(config)
    rng = np.random.default_rng(1)
    size = np.dtype(DTYPES[y_type]).itemsize * config.engine.units
    stride = -(-size // 8)
    tile = config.engine.tile
    written = np.zeros(rows * stride * 8, bool)

    async def memory(ctx):
        wanted = [s for bus in dut.bus for s in (bus.req.valid, bus.req.payload.as_value())]
        ready = Cat(bus.req.ready for bus in dut.bus)
        layout = dut.bus[0].req.payload.shape()
        while True:
            granted = [bool(rng.random() < chance) for _ in dut.bus]
            ctx.set(ready, sum(value << n for n, value in enumerate(granted)))
            _, _, *values = await ctx.tick().sample(*wanted)
            for number, may in enumerate(granted):
                if may and values[2 * number]:
                    request = layout.from_bits(values[2 * number + 1])
                    for lane in range(8):
                        written[request.addr + lane] |= bool(request.strobe >> lane & 1)
            done = ctx.get(dut.done)
            whole = written.reshape(rows, -1)[:, :size].all(axis=1)
            assert whole[:done].all(), "not performed"

    async def steps(ctx):
        columns = config.engine.units
        for first in range(0, rows, tile):
            step = {"word": first * stride, "stride": stride, "columns": columns}
            step |= {"rows": min(tile, rows - first), "y_type": y_type}
            await send(ctx, dut, dut.step, [Item(step)], rng)

    async def outputs(ctx):
        ctx.set(dut.i.valid, 1)
        for row in range(rows):
            ctx.set(dut.i.payload.row, row % tile)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)
        while ctx.get(dut.done) < rows:
            await ctx.tick()

    return simulate(dut, steps, outputs, background=[memory])


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "paper"])
@pytest.mark.parametrize("y_type", [ElementType.INT8, ElementType.INT32], ids=lambda y: y.name)
def test_on_ports(name, y_type):
    """With every port granted a row takes a cycle; four more pass until the last one is performed.

    Rows that are longer than all ports together take two cycles.
    """
    config = CONFIGS[name]
    long = DTYPES[y_type] == "<i4" and config.engine.units * 4 > config.engine.ports * 8
    assert rows_on_ports(config, y_type, 100, 1) <= (200 if long else 100) + 4
    rows_on_ports(config, y_type, 60, 0.4)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_converts(config):
    assert "module writer" in to_verilog(Writer(config=config), name="writer")
