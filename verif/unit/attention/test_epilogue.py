"""The epilogue against numpy: random tiles, and a parameter unit that overwrites what is free."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from hw.attention.datapath.epilogue import Epilogue
from hw.attention.types import TABLE_WORDS, Join, entries_a_cycle
from hw.config import EngineConfig
from hw.presets import TINY
from hw.regmap import ElementType, ParamMode
from hw.verilog import to_verilog
from sw_model.ops import wrap32
from verif.lib.configs import find_config
from verif.lib.streams import simulate

CONFIGS = [
    TINY.engine,
    EngineConfig(units=16, lanes=16),
    EngineConfig(units=2, lanes=32),
    EngineConfig(units=8, lanes=64),
]
FULL = dict.fromkeys(("step", "i", "direct", "residual", "o", "entry", "table"), 1.0)
STALLS = {
    "full": FULL,
    "random": dict.fromkeys(FULL, 0.6),
    "refused": {**FULL, "o": 0.3},
    "no_entries": {**FULL, "entry": 0.2, "table": 0.5},
    "no_rows": {**FULL, "i": 0.4, "direct": 0.4},
    "no_residuals": {**FULL, "residual": 0.3},
}
CLIPPED = [ElementType.INT8, ElementType.UINT8, ElementType.INT16]
R_TYPES = ["int8", "uint8", "int16"]


def limits(y_type):
    """Return the smallest and the largest element of a type."""
    info = np.iinfo(y_type.name.lower())
    return info.min, info.max


@dataclass
class Bank:
    """What a bank of parameters or tables is filled with once: `count` entries, or a table."""

    count: int = 0
    entries: list = field(default_factory=list)
    table: np.ndarray | None = None


def random_entries(rng, count):
    """Return entries that give results of all sizes."""
    entries = []
    for _ in range(count):
        shift = int(rng.integers(12, 32))
        entries.append(
            {
                "mul": int(rng.integers(-(1 << 16), 1 << 16)),
                "add": int(rng.integers(-100, 100)) << shift,
                "shift": shift,
                "rmul": int(rng.integers(-5, 6)),
                "rsh": int(rng.integers(shift - 12, shift)),
            }
        )
    return entries


class Case:
    """Random tiles: all that goes into the epilogue, and what comes out.

    Parameters
    ----------
    modes
        Parameter modes to choose from.
    small
        Chance that a tile has a single row of outputs.
    """

    def __init__(self, config, *, seed, tiles=24, modes=tuple(ParamMode), small=0.3, **fixed):
        self.config, self.fixed = config, fixed
        self.rng = rng = np.random.default_rng(seed)
        self.steps, self.rows, self.directs, self.residuals = [], [], [], []
        self.expected, self.banks, self.tables = [], [], []
        while len(self.steps) < tiles:
            # A group of tiles that share a bank, and perhaps a table.
            raw = self.choose("raw", rng.random() < 0.2)
            sizes = [self.size(small) for _ in range(self.choose("shared", rng.integers(1, 4)))]
            mode = ParamMode(int(rng.choice(modes)))
            use_table = not raw and self.choose("use_table", rng.random() < 0.4)
            bank, table_bank = len(self.banks) & 1, len(self.tables) & 1
            if not raw:
                needed = {
                    ParamMode.COLUMN: max(columns for _, columns in sizes),
                    ParamMode.ROW: max(rows for rows, _ in sizes),
                }.get(mode, 1)
                self.banks.append(Bank(needed, random_entries(rng, needed)))
            if use_table:
                self.tables.append(Bank(table=rng.integers(0, 256, 256).astype(np.uint8)))
            for n, (rows, columns) in enumerate(sizes):
                last = n == len(sizes) - 1
                y_type = rng.choice(CLIPPED[: 2 if use_table else 3])
                join = self.choose("join", rng.choice([j.value for j in Join]))
                if raw:
                    y_type = rng.choice([ElementType.INT32, ElementType.INT16, ElementType.UINT8])
                    join = Join.NONE if y_type != ElementType.INT32 or join == 1 else join
                self.add_tile(
                    {
                        "rows": rows,
                        "columns": columns,
                        "direct": int(self.choose("direct", rng.random() < 0.3)),
                        "raw": int(raw),
                        "y_type": int(y_type),
                        "join": Join(join),
                        "param_mode": int(mode),
                        "bank": int(rng.integers(2)) if raw else bank,
                        "release": int(rng.integers(2)) if raw else int(last),
                        "use_table": int(use_table),
                        "table_bank": table_bank,
                        "table_release": int(use_table and last),
                    }
                )

    def choose(self, name, value):
        return self.fixed.get(name, value)

    def size(self, small):
        tile = self.config.tile
        if self.rng.random() < small:
            return 1, int(self.rng.integers(1, self.config.units + 1))
        most = (tile, tile) if self.rng.random() < 0.2 else (tile // 4, tile // 2)
        rows, columns = (int(self.rng.integers(1, most[n] + 1)) for n in range(2))
        return self.choose("size", (rows, columns))

    def add_tile(self, step):
        self.steps.append(step)
        groups = -(-step["columns"] // self.config.units)
        order = [(row, group) for group in range(groups) for row in range(step["rows"])]
        for row, group in sorted(order) if step["direct"] else order:
            self.add_row(step, row, group)

    def add_row(self, step, row, group):
        rng, units = self.rng, self.config.units
        count = min(units, step["columns"] - group * units)
        acc = rng.integers(-(1 << 31), 1 << 31, units) >> rng.integers(0, 24)
        if step["raw"] and step["y_type"] != ElementType.INT32:  # a copy: of its own type
            acc = rng.integers(*limits(ElementType(step["y_type"])), units, endpoint=True)
        r = np.zeros(units, np.int64)
        if step["join"] == Join.ACCUMULATE:
            r = rng.integers(-(1 << 31), 1 << 31, units)
        elif step["join"] == Join.RESIDUAL:
            info = np.iinfo(rng.choice(R_TYPES))
            r = rng.integers(info.min, info.max + 1, units)
        element = {"row": row, "count": count, "first": 0, "last": 0, "normalise": 0, "release": 0}
        if step["join"] != Join.NONE:
            self.residuals.append({**element, "values": r.tolist()})
        if step["direct"]:
            self.directs.append({**element, "values": acc.tolist()})
        else:
            self.rows.append({"row": row, "group": group, "values": acc.tolist()})
        self.expected.append((row, group, self.results(step, row, group, acc, r)[:count].tolist()))

    def results(self, step, row, group, acc, r):
        if step["join"] == Join.ACCUMULATE:
            acc, r = wrap32(acc + r), 0 * r
        if step["raw"]:
            return acc
        entries = self.banks[-1].entries
        columns = group * self.config.units + np.arange(self.config.units)
        index = {ParamMode.COLUMN: columns, ParamMode.ROW: 0 * columns + row}
        index = index.get(ParamMode(step["param_mode"]), 0 * columns)
        index = np.minimum(index, len(entries) - 1)  # lanes beyond the last column do not count
        entry = {name: np.array([entries[i][name] for i in index]) for name in entries[0]}
        total = acc * entry["mul"] + ((r * entry["rmul"]) << entry["rsh"]) + entry["add"]
        y_type = ElementType(step["y_type"])
        clip = ElementType.INT8 if step["use_table"] else y_type
        y = np.clip(total >> entry["shift"], *limits(clip))
        if step["use_table"]:
            y = self.tables[-1].table[y + 128].view(y_type.name.lower()).astype(np.int64)
        return y


class Sender:
    """Offers payloads, each of them until it is taken."""

    def __init__(self, port, payloads, rng, chance):
        self.port, self.payloads, self.rng, self.chance = port, payloads, rng, chance
        self.sent, self.offered = 0, False

    def drive(self, ctx):
        left = self.sent < len(self.payloads)
        if not self.offered and left and self.rng.random() < self.chance:
            layout = self.port.payload.shape()
            ctx.set(self.port.payload, layout.const(self.payloads[self.sent]))
            self.offered = True
        ctx.set(self.port.valid, self.offered)

    def taken(self):
        self.sent += 1
        self.offered = False


class Filler:
    """Fills two banks in turn as soon as they are free, and says what is there.

    `early`: it says so when it begins.
    """

    def __init__(self, items, rng, chance, early=False):
        self.items, self.rng, self.chance, self.early = items, rng, chance, early
        self.number, self.written = 0, 0
        self.free, self.filled = [True, True], [0, 0]
        self.releases = 0

    def next(self):
        """Return the bank and what to fill it with, or None."""
        bank = self.number & 1
        if self.number == len(self.items) or not self.free[bank] or self.written is None:
            return None
        return (bank, self.items[self.number]) if self.rng.random() < self.chance else None

    def wrote(self, bank, written, count):
        self.written, self.filled[bank] = written, count if self.early else written
        if written == count:
            self.free[bank] = False
            self.number, self.written = self.number + 1, 0

    def released(self, bits):
        for bank in range(2):
            if bits >> bank & 1:
                assert not self.free[bank], "released while it is free"
                self.free[bank], self.filled[bank] = True, 0
                self.releases += 1


def run(case, chances, *, seed=0, early=False, phase=0, deadline=20_000):
    """Run a case; return outputs (row, group, values), cycles, and counts of signals.

    With `phase` outputs are refused for so many cycles, then taken for as many, and so on.
    """
    dut = Epilogue(config=case.config)
    rng = np.random.default_rng(seed)
    together = entries_a_cycle(case.config)
    names = ("waits_entry", "waits_residual", "waits_direct", "taken_direct")
    counts = dict.fromkeys(names, 0)
    out, cycles = [], 0
    entries = Filler(case.banks, rng, chances["entry"], early)
    tables = Filler(case.tables, rng, chances["table"])
    senders = [
        Sender(getattr(dut, name), payloads, rng, chances[name])
        for name, payloads in (
            ("step", case.steps),
            ("i", case.rows),
            ("direct", case.directs),
            ("residual", case.residuals),
        )
    ]

    def write_entries(ctx):
        """Drive a write of entries; return what is there after it."""
        ctx.set(dut.entry.valid, 0)
        if (job := entries.next()) is None:
            return None
        bank, item = job
        start = entries.written
        single = bool(start % together or rng.random() < 0.3)
        given = item.entries[start : start + (1 if single else together)]
        written = start + len(given)
        given = given + random_entries(rng, together - len(given))
        ctx.set(dut.entry.valid, 1)
        ctx.set(dut.entry.single, single)
        ctx.set(dut.entry.bank, bank)
        ctx.set(dut.entry.index, start)
        ctx.set(dut.entry.entries, dut.entry.entries.shape().const(given))
        return bank, written, item.count

    def write_table(ctx):
        ctx.set(dut.table.valid, 0)
        if (job := tables.next()) is None:
            return None
        bank, item = job
        word = tables.written
        ctx.set(dut.table.valid, 1)
        ctx.set(dut.table.bank, bank)
        ctx.set(dut.table.addr, word)
        data = item.table[8 * word : 8 * word + 8].tobytes()
        ctx.set(dut.table.data, int.from_bytes(data, "little"))
        return bank, word + 1, TABLE_WORDS

    async def testbench(ctx):
        nonlocal cycles
        layout = dut.o.payload.shape()
        refused = None
        watched = [dut.release, dut.table_release, dut.busy, *(getattr(dut, n) for n in names)]
        ports = [s.port.ready for s in senders]
        while len(out) < len(case.expected):
            ready = rng.random() < chances["o"] and not (phase and cycles // phase % 2 == 0)
            ctx.set(dut.o.ready, ready)
            for sender in senders:
                sender.drive(ctx)
            wrote, wrote_table = write_entries(ctx), write_table(ctx)
            ctx.set(dut.filled, dut.filled.shape().const(entries.filled))
            there = [count == TABLE_WORDS for count in tables.filled]
            ctx.set(dut.table_filled, there[0] | there[1] << 1)
            (
                *_,
                valid,
                bits,
                release,
                table_release,
                busy,
                w0,
                w1,
                w2,
                w3,
                r0,
                r1,
                r2,
                r3,
            ) = await ctx.tick().sample(dut.o.valid, dut.o.payload.as_value(), *watched, *ports)
            cycles += 1
            for name, value in zip(names, (w0, w1, w2, w3), strict=True):
                counts[name] += value
            for sender, taken in zip(senders, (r0, r1, r2, r3), strict=True):
                if taken and sender.offered:
                    sender.taken()
            if wrote:
                entries.wrote(*wrote)
            if wrote_table:
                tables.wrote(*wrote_table)
            entries.released(release)
            tables.released(table_release)
            assert busy or not valid
            if refused is not None:
                assert valid and bits == refused, "a refused payload did not stay"
            refused = bits if valid and not ready else None
            if valid and ready:
                row = layout.from_bits(bits)
                *_, values = case.expected[len(out)]
                out.append((row.row, row.group, list(row.values)[: len(values)]))
        await ctx.tick()
        assert not ctx.get(dut.busy) and not ctx.get(dut.o.valid)

    simulate(dut, testbench, deadline=deadline)
    for sender in senders:
        assert sender.sent == len(sender.payloads)
    counts |= {"release": entries.releases, "table_release": tables.releases}
    return out, cycles, counts


def check(case, chances=FULL, **options):
    """Run a case, compare its outputs, and return cycles and counts."""
    out, cycles, counts = run(case, chances, **options)
    assert out == case.expected
    assert counts["release"] == len(case.banks)
    assert counts["table_release"] == len(case.tables)
    assert counts["taken_direct"] == len(case.directs)
    return cycles, counts


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_random_tiles(config):
    check(Case(config, seed=1, tiles=12), STALLS["random"])


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("seed", range(2))
def test_stalls(stalls, seed):
    case = Case(TINY.engine, seed=10 + seed)
    check(case, STALLS[stalls], seed=seed)


@pytest.mark.parametrize("mode", ParamMode, ids=lambda mode: mode.name)
def test_modes(mode):
    check(Case(TINY.engine, seed=2, modes=[mode], tiles=12, raw=False), STALLS["no_entries"])


@pytest.mark.parametrize("join", Join, ids=lambda join: join.name)
@pytest.mark.parametrize("direct", [False, True])
def test_joins(join, direct):
    case = Case(TINY.engine, seed=3, tiles=12, join=join.value, direct=direct)
    check(case, STALLS["random"])


@pytest.mark.parametrize("seed", range(3))
def test_tables_of_single_rows(seed):
    """A third table waits until the first one's only row has looked up.

    Long stops of the outputs make rows of several tables follow each other.
    """
    options = {"small": 1.0, "shared": 1, "use_table": True, "raw": False, "join": 0}
    case = Case(TINY.engine, seed=seed, tiles=30, modes=[ParamMode.HEAD], direct=0, **options)
    check(case, FULL, seed=seed, phase=100)


@pytest.mark.parametrize("direct", [False, True])
def test_a_row_a_cycle(direct):
    """Full tiles follow each other without a gap; parameters fill the other bank meanwhile."""
    tile = TINY.engine.tile
    options = {"raw": False, "use_table": False, "direct": direct, "join": Join.RESIDUAL.value}
    for mode in (ParamMode.COLUMN, ParamMode.ROW):
        options |= {"shared": 1, "small": 0, "size": (tile, tile)}
        case = Case(TINY.engine, seed=5, tiles=4, modes=[mode], **options)
        cycles, _ = check(case, FULL)
        assert cycles <= len(case.expected) + tile + 6

    options |= {"shared": 40, "small": 1.0}
    case = Case(TINY.engine, seed=6, tiles=40, modes=[ParamMode.HEAD], **options)
    assert len(case.expected) == len(case.steps) == 40
    cycles, _ = check(case, FULL)
    assert cycles <= 40 + 8, "steps of a single row, too"


def test_a_fault_is_seen():
    """Entries that are announced before they are written give wrong results."""
    tile = TINY.engine.tile
    options = {"raw": False, "use_table": False, "small": 0, "size": (tile, tile)}
    case = Case(TINY.engine, seed=7, tiles=2, modes=[ParamMode.COLUMN], **options)
    check(case)
    out, *_ = run(case, FULL, early=True)
    assert out != case.expected


def test_causes():
    """Each cause of waiting shows in its own signal."""
    options = {"raw": False, "use_table": False, "join": Join.RESIDUAL.value}
    case = Case(TINY.engine, seed=8, tiles=16, modes=[ParamMode.COLUMN], **options)
    for stalls, name in (
        ("no_entries", "waits_entry"),
        ("no_residuals", "waits_residual"),
        ("no_rows", "waits_direct"),
    ):
        _, counts = check(case, STALLS[stalls])
        causes = {cause: counts[cause] for cause in counts if cause.startswith("waits_")}
        assert max(causes, key=causes.get) == name, causes


@pytest.mark.parametrize("direct", [False, True])
def test_latency(direct):
    """Four cycles from the row to its results."""
    dut = Epilogue(config=TINY.engine)
    source = dut.direct if direct else dut.i

    async def testbench(ctx):
        ctx.set(dut.step.payload.raw, 1)
        ctx.set(dut.step.payload.direct, direct)
        ctx.set(dut.step.payload.rows, 1)
        ctx.set(dut.step.payload.columns, 1)
        ctx.set(dut.step.valid, 1)
        await ctx.tick().until(dut.step.ready)
        ctx.set(dut.step.valid, 0)
        ctx.set(source.valid, 1)
        assert ctx.get(source.ready)
        for _ in range(4):
            assert not ctx.get(dut.o.valid)
            await ctx.tick()
            ctx.set(source.valid, 0)
        assert ctx.get(dut.o.valid)

    simulate(dut, testbench)


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    dut = Epilogue(config=find_config(name).engine)
    assert "module epilogue" in to_verilog(dut, name="epilogue")
