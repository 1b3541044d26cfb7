import numpy as np
import pytest

from hw.attention.datapath.entries import EntryBuffer
from hw.attention.types import Entry, entries_a_cycle
from hw.config import EngineConfig
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import simulate

CONFIGS = [
    TINY.engine,
    PAPER.engine,
    EngineConfig(units=16, lanes=16),
    EngineConfig(units=2, lanes=64),
]


def random_entry(rng):
    """Return the fields of an entry."""
    fields = {}
    for name, shape in (("add", 48), ("mul", 17), ("rmul", 17)):
        fields[name] = int(rng.integers(-(1 << shape - 1), 1 << shape - 1))
    return {**fields, "shift": int(rng.integers(64)), "rsh": int(rng.integers(64))}


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_reads_what_was_written(config):
    """Random writes and reads in one cycle; a read sees what earlier cycles wrote."""
    dut = EntryBuffer(config=config)
    rng = np.random.default_rng(1)
    tile, units, together = config.tile, config.units, entries_a_cycle(config)
    kept = [[None] * tile, [None] * tile]

    def write(ctx):
        """Begin a write and return what it changes."""
        single, bank = bool(rng.random() < 0.3), int(rng.integers(2))
        index = (
            int(rng.integers(tile)) if single else int(rng.integers(tile // together)) * together
        )
        entries = [random_entry(rng) for _ in range(together)]
        ctx.set(dut.write.valid, int(valid := rng.random() < 0.8))
        ctx.set(dut.write.single, single)
        ctx.set(dut.write.bank, bank)
        ctx.set(dut.write.index, index)
        ctx.set(dut.write.entries, dut.write.entries.shape().const(entries))
        return [
            (bank, index + n, e) for n, e in enumerate(entries[: 1 if single else None])
        ] * valid

    async def testbench(ctx):
        expected = [None] * units
        for _ in range(1500):
            changes = write(ctx)
            enable, each = bool(rng.random() < 0.7), bool(rng.integers(2))
            bank, index = int(rng.integers(2)), int(rng.integers(tile))
            ctx.set(dut.enable, enable)
            ctx.set(dut.bank, bank)
            ctx.set(dut.index, index)
            ctx.set(dut.each, each)
            await ctx.tick()
            if enable:
                start = index - index % units
                expected = (
                    kept[bank][start : start + units] if each else [kept[bank][index]] * units
                )
            for got, entry in zip(dut.entries, expected, strict=True):
                if entry is not None:
                    assert ctx.get(got.as_value()) == Entry.const(entry).as_bits()
            for changed_bank, place, entry in changes:
                kept[changed_bank][place] = entry
        assert None not in kept[0] + kept[1]

    simulate(dut, testbench)


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    dut = EntryBuffer(config=find_config(name).engine)
    assert "module entries" in to_verilog(dut, name="entries")
