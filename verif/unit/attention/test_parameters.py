import numpy as np
import pytest

from hw.attention.steps import Load
from hw.attention.streams.parameters import ParameterUnit
from hw.presets import PAPER, TINY
from hw.regmap import HEAD_PARAMETER, PARAMETER
from hw.verilog import to_verilog
from verif.lib.streams import Item, send, simulate

BASE = 64  # word address of the entries
MASSES = [0, 1, 255, 256, 4096, 65535, 16_000_000, 7, *range(100, 3000, 375)]


def random_entry(rng):
    return {
        "add": int(rng.integers(-(1 << 47), 1 << 47)),
        "shift": int(rng.integers(32)),
        "rsh": int(rng.integers(64)),
        "mul": int(rng.integers(-(1 << 16), 1 << 16)),
        "rmul": int(rng.integers(-(1 << 16), 1 << 16)),
    }


class Surroundings:
    """Memory, epilogue, masses, issue stage and writer around the unit."""

    def __init__(self, dut, memory, rng, chance):
        self.entries = {}
        self.table = {}
        self.tokens = []  # the epilogue's entries when each tile's token was taken
        self.asked = set()  # words
        self._dut, self._memory, self._rng, self._chance = dut, memory, rng, chance

    async def run(self, ctx, tiles):
        """Until so many tiles are done; outputs of a tile come some time after its token."""
        dut, rng = self._dut, self._rng
        lanes = len(dut.row.data) // 64
        pending, behind, done = None, 0, 0
        while done < tiles:
            tile_done = behind > 0 and rng.random() < 0.1
            take = bool(ctx.get(dut.token)) and rng.random() < self._chance
            ready = pending is None and rng.random() < self._chance
            ctx.set(dut.token_take, take)
            ctx.set(dut.tile_done, tile_done)
            ctx.set(dut.command.ready, ready)
            answered = pending is not None and rng.random() < self._chance
            ctx.set(dut.row.valid, answered)
            if answered:
                words = self._memory[pending : pending + lanes]
                ctx.set(dut.row.data, int.from_bytes(words.tobytes(), "little"))
                pending = None
            ctx.set(dut.masses_ready, rng.random() < 0.1)
            ctx.set(dut.mass, MASSES[ctx.get(dut.mass_row) % 16])
            values = await ctx.tick().sample(
                dut.command.valid,
                dut.command.payload.word,
                dut.command.payload.count,
                dut.entry.valid,
                dut.entry.index,
                dut.entry.entry.as_value(),
                dut.table.valid,
                dut.table.addr,
                dut.table.data,
            )
            valid, word, count, entry_valid, index, entry, table_valid, addr, data = values[2:]
            if valid and ready:
                pending = word
                self.asked |= set(range(word, word + count))
            if entry_valid:
                assert behind == 0, "an entry changed while outputs that need the old one come"
                self.entries[index] = dut.entry.entry.shape().from_bits(entry)
            if table_valid:
                self.table[addr] = data
            if take:
                self.tokens.append(dict(self.entries))
            behind += take - tile_done
            done += tile_done


def memory_with(records):
    memory = np.full(4096, 0xEEEE_EEEE_EEEE_EEEE, np.uint64)
    words = np.frombuffer(b"".join(records), np.uint64)
    memory[BASE : BASE + len(words)] = words
    return memory


def same(entry, fields):
    return all(getattr(entry, name) == value for name, value in fields.items())


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
@pytest.mark.parametrize("chance", [1, 0.5])
def test_entries_of_tiles(config, chance):
    """Entries are loaded tile by tile, kept where told to, and not one word more is read."""
    rng = np.random.default_rng(8)
    fields = [random_entry(rng) for _ in range(40)]
    dut = ParameterUnit(config=config)
    around = Surroundings(dut, memory_with([PARAMETER.pack(**f) for f in fields]), rng, chance)
    loads = [(0, 1), (1, 16), (17, 5), None, (22, 1), None, None, (23, 7)]
    steps = [
        {"load": Load.KEEP}
        if load is None
        else {"load": Load.ENTRIES, "word": BASE + 2 * load[0], "count": load[1]}
        for load in loads
    ]

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, chance)

    async def surroundings(ctx):
        await around.run(ctx, len(loads))

    simulate(dut, stepper, surroundings)
    current = None
    for load, entries in zip(loads, around.tokens, strict=True):
        current = load or current
        first, count = current
        for n in range(count):
            assert same(entries[n], fields[first + n]), f"entry {n} of {current}"
    assert around.asked == set(range(BASE, BASE + 60))


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_head_then_masses(config):
    rng = np.random.default_rng(9)
    dut = ParameterUnit(config=config)
    fields = random_entry(rng)
    record = HEAD_PARAMETER.pack(**fields, j=5, gain=1)
    around = Surroundings(dut, memory_with([record]), rng, 1)
    steps = [{"load": Load.HEAD, "word": BASE, "count": 1}, {"load": Load.MASSES, "count": 16}]

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng)

    async def surroundings(ctx):
        await around.run(ctx, 2)

    async def used(ctx):
        await ctx.tick().until(dut.masses_used)
        assert ctx.get(dut.j) == 5 and ctx.get(dut.gain) == 1

    simulate(dut, stepper, surroundings, used)
    assert same(around.tokens[0][0], fields)
    assert around.asked == {BASE, BASE + 1, BASE + 2}
    for row, mass in enumerate(MASSES[:16]):
        bits = max(mass, 1).bit_length()
        shift = 11 + bits - 1
        entry = around.tokens[1][row]
        want = {"mul": min((1 << (11 + bits)) // max(mass, 1), 4095), "shift": shift}
        assert same(entry, want | {"add": 1 << shift >> 1}), f"row {row}"


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_table(config):
    rng = np.random.default_rng(10)
    table = rng.bytes(256)
    fields = random_entry(rng)
    memory = memory_with([table, PARAMETER.pack(**fields)])
    dut = ParameterUnit(config=config)
    around = Surroundings(dut, memory, rng, 0.7)
    steps = [
        {"load": Load.TABLE, "word": BASE},
        {"load": Load.ENTRIES, "word": BASE + 32, "count": 1},
    ]

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng)

    async def surroundings(ctx):
        await around.run(ctx, 1)

    simulate(dut, stepper, surroundings)
    assert b"".join(around.table[n].to_bytes(8, "little") for n in range(32)) == table
    assert same(around.tokens[0][0], fields)


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module parameters" in to_verilog(ParameterUnit(config=preset), name="parameters")
