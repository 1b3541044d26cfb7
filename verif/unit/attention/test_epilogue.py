import numpy as np
import pytest

from hw.attention.datapath.epilogue import Epilogue
from hw.attention.types import Entry
from hw.config import EngineConfig
from hw.presets import PAPER, TINY
from hw.regmap import ElementType, ParamMode
from hw.verilog import to_verilog
from sw_model import ops
from verif.lib.streams import Item, latency, pipe

CONFIGS = [TINY.engine, EngineConfig(units=16, lanes=16), EngineConfig(units=2, lanes=32)]
STALLS = [(1.0, 1.0), (0.7, 0.5)]


class Case:
    """Entries, a table and random rows, with the results expected of them."""

    def __init__(self, config, *, seed, y_type, use_table=False, param_mode, count=40):
        rng = np.random.default_rng(seed)
        self.config, self.y_type, self.use_table = config, y_type, use_table
        self.param_mode = param_mode
        tile = config.tile
        self.mul = rng.integers(-(1 << 16), 1 << 16, tile)
        self.shift = rng.integers(12, 32, tile)
        self.add = rng.integers(-100, 100, tile) << self.shift
        self.table = rng.integers(0, 256, 256).astype(np.uint8)
        self.items, self.expected = [], []
        for n in range(count):
            row, group = int(rng.integers(tile)), int(rng.integers(config.groups))
            # The first columns of all rows and the first rows of all columns come for sure.
            row = n if n < tile else row
            group = n - tile if 0 <= n - tile < config.groups else group
            values = rng.integers(-(1 << 31), 1 << 31, config.units) >> rng.integers(0, 24)
            self.items.append(Item({"row": row, "group": group, "values": values.tolist()}))
            self.expected.append((row, group, self.result(row, group, values)))

    def result(self, row, group, acc):
        columns = group * self.config.units + np.arange(self.config.units)
        index = {ParamMode.COLUMN: columns, ParamMode.ROW: [row]}.get(self.param_mode, [0])
        entry = ops.Entry(self.mul[index], self.add[index], self.shift[index])
        name = self.y_type.name.lower()
        if not self.use_table:
            return ops.requantise(acc, None if name == "int32" else entry, name).tolist()
        index = ops.requantise(acc, entry, "int8").astype(np.int64) + 128
        return self.table[index].view(name).tolist()

    def setup(self, dut):
        async def run(ctx):
            ctx.set(dut.y_type, self.y_type)
            ctx.set(dut.use_table, self.use_table)
            ctx.set(dut.param_mode, self.param_mode)
            for n in range(self.config.tile):
                entry = {"mul": self.mul[n], "add": self.add[n], "shift": self.shift[n]}
                entry = {name: int(value) for name, value in entry.items()}
                ctx.set(dut.entry.valid, 1)
                ctx.set(dut.entry.index, n)
                ctx.set(dut.entry.entry, Entry.const({**entry, "rsh": 5, "rmul": 3}))
                await ctx.tick()
            ctx.set(dut.entry.valid, 0)
            for n in range(32):
                word = int.from_bytes(self.table[8 * n : 8 * n + 8].tobytes(), "little")
                ctx.set(dut.table.valid, 1)
                ctx.set(dut.table.addr, n)
                ctx.set(dut.table.data, word)
                await ctx.tick()
            ctx.set(dut.table.valid, 0)

        return run

    def check(self, chances=(1.0, 1.0)):
        dut = Epilogue(config=self.config)
        count = len(self.items)
        taken, cycles = pipe(dut, self.items, count, chances=chances, setup=self.setup(dut))
        assert [(got.row, got.group, list(got.values)) for got in taken] == self.expected
        if chances == (1.0, 1.0):
            assert cycles <= self.config.tile + 32 + count + 6, "one row a cycle"


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("param_mode", ParamMode, ids=lambda mode: mode.name)
@pytest.mark.parametrize("chances", STALLS)
def test_entries(config, param_mode, chances):
    Case(config, seed=1, y_type=ElementType.INT8, param_mode=param_mode).check(chances)


@pytest.mark.parametrize("y_type", ElementType, ids=lambda y_type: y_type.name)
@pytest.mark.parametrize("chances", STALLS)
def test_types(y_type, chances):
    Case(TINY.engine, seed=2, y_type=y_type, param_mode=ParamMode.COLUMN).check(chances)


@pytest.mark.parametrize("y_type", [ElementType.INT8, ElementType.UINT8], ids=lambda t: t.name)
@pytest.mark.parametrize("chances", STALLS)
def test_table(y_type, chances):
    case = Case(
        TINY.engine, seed=3, y_type=y_type, use_table=True, param_mode=ParamMode.ROW, count=100
    )
    assert any(min(values) < 0 for *_, values in case.expected) == (y_type == ElementType.INT8)
    case.check(chances)


def test_latency():
    config = TINY.engine
    item = Item({"row": 1, "group": 1, "values": [1] * config.units})
    assert latency(Epilogue(config=config), item) == 4


@pytest.mark.parametrize("config", [TINY.engine, PAPER.engine, CONFIGS[1]], ids=str)
def test_converts(config):
    assert "module epilogue" in to_verilog(Epilogue(config=config), name="epilogue")
