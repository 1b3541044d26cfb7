from dataclasses import dataclass, field

import numpy as np
import pytest

from hw.attention.steps import POSITION_BITS, Load
from hw.attention.streams.parameters import ParameterUnit
from hw.attention.types import TABLE_WORDS
from hw.presets import PAPER, TINY
from hw.regmap import HEAD_PARAMETER, PARAMETER
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import Item, send, simulate

WORDS = 4096
LATENCY = 6  # cycles from a command to its answer, at best

START = (1 << POSITION_BITS) - 20
"""Where positions start: they wrap."""

NAMES = ["tiny", "narrow", "half", "paper"]


def random_entry(rng):
    return {
        "add": int(rng.integers(-(1 << 47), 1 << 47)),
        "shift": int(rng.integers(32)),
        "rsh": int(rng.integers(64)),
        "mul": int(rng.integers(-(1 << 16), 1 << 16)),
        "rmul": int(rng.integers(-(1 << 16), 1 << 16)),
    }


@dataclass
class Use:
    """A step, what the epilogue must find when it is done, and the words it may read."""

    step: dict
    entries: list = field(default_factory=list)
    table: bytes = b""
    head: tuple | None = None  # turn, j, gain
    words: range = range(0)

    @property
    def is_table(self):
        return self.step["load"] == Load.TABLE

    @property
    def is_masses(self):
        return self.step["load"] == Load.MASSES


class Plan:
    """Random steps in the order in which an engine has them, and the memory that they read."""

    def __init__(self, config, rng):
        self.uses = []
        self.memory = rng.integers(0, 1 << 64, WORDS, dtype=np.uint64)
        self._config, self._rng = config, rng
        self._word, self._bank, self._table_bank, self._turn = 64, 0, 0, 0

    def _place(self, text, gap=5):
        word = self._word
        words = np.frombuffer(text, np.uint64)
        self.memory[word : word + len(words)] = words
        self._word += len(words) + int(self._rng.integers(gap))
        assert self._word < WORDS
        return {"word": word, "words": range(word, word + len(words))}

    def _add(self, load, count, position, place, **results):
        is_table = load == Load.TABLE
        bank = self._table_bank if is_table else self._bank
        step = {"load": load, "count": count, "bank": bank, "word": place["word"]}
        if "head" in results:
            step["turn"] = results["head"][0]
        if position is not None:
            step["gate"] = {"wait": 1, "position": position}
        if is_table:
            self._table_bank ^= 1
        else:
            self._bank ^= 1
        self.uses.append(Use(step, words=place["words"], **results))

    def entries(self, count, position=None):
        entries = [random_entry(self._rng) for _ in range(count)]
        place = self._place(b"".join(PARAMETER.pack(**entry) for entry in entries))
        self._add(Load.ENTRIES, count, position, place, entries=entries)

    def table(self, position=None):
        text = self._rng.bytes(8 * TABLE_WORDS)
        self._add(Load.TABLE, 0, position, self._place(text), table=text)

    def head(self):
        """The next block's."""
        entry = random_entry(self._rng)
        j, gain = int(self._rng.integers(1, 6)), int(self._rng.integers(2))
        place = self._place(HEAD_PARAMETER.pack(**entry, j=j, gain=gain))
        self._add(Load.HEAD, 1, None, place, entries=[entry], head=(self._turn, j, gain))
        self._turn = (self._turn + 1) % 4
        return self.uses[-1]

    def masses(self, rows, head):
        """Of the block that use `head` began."""
        entries = [random_entry(self._rng) for _ in range(rows)]
        nothing = {"word": 0, "words": range(0)}
        self._add(Load.MASSES, rows, None, nothing, entries=entries, head=head.head)

    def attention(self, blocks, rows, interleaved=True):
        heads = []
        for _ in range(blocks):
            heads.append(self.head())
            if len(heads) > interleaved:
                self.masses(rows, heads.pop(0))
        for head in heads:
            self.masses(rows, head)

    def anything(self, position=None):
        """A random job's steps; entries and tables wait for `position`."""
        rng, tile = self._rng, self._config.engine.tile
        kind = int(rng.integers(4))
        if kind == 0:
            self.attention(int(rng.integers(1, 4)), int(rng.integers(1, tile + 1)))
        elif kind == 1:
            self.attention(int(rng.integers(1, 7)), int(rng.integers(1, 4)), rng.random() < 0.7)
        else:
            if rng.random() < 0.5:
                self.table(position)
            for _ in range(rng.integers(1, 4)):
                self.entries(int(rng.integers(1, tile + 1)) if kind == 3 else 1, position)
                self._turn = (self._turn + (kind == 2)) % 4  # LayerNorm's blocks have turns too


class Surroundings:
    """Memory, epilogue, input loader and reciprocals around the unit.

    Entries are used up in the order of the steps, in which the epilogue works: as `filled` says
    that they are there, those of the two oldest uses are compared, and the oldest is released
    some time after it is whole. The same for tables.
    """

    def __init__(self, dut, config, plan, rng, chance, patience=0.1):
        self._dut, self._config, self._plan = dut, config, plan
        self._rng, self._chance, self._patience = rng, chance, patience
        self._uses = [use for use in plan.uses if not use.is_table]
        self._table_uses = [use for use in plan.uses if use.is_table]
        self._sums = [use for use in plan.uses if use.is_masses]
        self._buffers, self._tables = [{}, {}], [{}, {}]
        self._answers, self._masses, self._clock = [], [], 0
        self.performed = START
        self.asked = {}  # by word: `performed` when it was asked for
        self.filled_at = []  # by use, released ones: the cycle in which it was whole

    def _entries_whole(self, ctx):
        """Compare the entries that are there; return whether all of the oldest use are."""
        dut, whole = self._dut, False
        for age, use in enumerate(self._uses[:2]):
            bank = use.step["bank"]
            count = ctx.get(dut.filled[bank])
            assert count <= len(use.entries)
            for index in range(count):
                got = self._buffers[bank][index]
                for name, value in use.entries[index].items():
                    assert got[name] == value, f"{name} of entry {index} of {use.step}"
            if use.head and (count or (use.is_masses and age == 0)):
                turn, j, gain = use.head
                assert (ctx.get(dut.j[turn]), ctx.get(dut.gain[turn])) == (j, gain)
            if age == 0:
                whole = count == len(use.entries)
        return whole

    def _tables_whole(self, ctx):
        """Compare the tables that are there; return whether that of the oldest use is."""
        whole = False
        for age, use in enumerate(self._table_uses[:2]):
            bank = use.step["bank"]
            if ctx.get(self._dut.table_filled) >> bank & 1:
                table = self._tables[bank]
                text = b"".join(table[n].to_bytes(8, "little") for n in range(TABLE_WORDS))
                assert text == use.table
                whole |= age == 0
        return whole

    def _chance_of(self, ready):
        return bool(ready) and self._rng.random() < self._chance

    def _drive(self, ctx):
        """Set the inputs of a cycle; return whether commands are taken and the banks released."""
        dut, rng, clock = self._dut, self._rng, self._clock
        released = table_released = 0
        if self._entries_whole(ctx) and rng.random() < self._patience:
            released = 1 << self._uses.pop(0).step["bank"]
            self.filled_at.append(clock)
        if self._tables_whole(ctx) and rng.random() < self._patience:
            table_released = 1 << self._table_uses.pop(0).step["bank"]
        ctx.set(dut.release, released)
        ctx.set(dut.table_release, table_released)
        if rng.random() < 0.02:
            self.performed += 1
        ctx.set(dut.performed, self.performed % (1 << POSITION_BITS))
        ready = self._chance_of(True)
        ctx.set(dut.command.ready, ready)

        answered = self._chance_of(self._answers and self._answers[0][0] <= clock)
        ctx.set(dut.row.valid, answered)
        if answered:
            ctx.set(dut.row.data, self._answers.pop(0)[1])
        take = self._chance_of(ctx.get(dut.masses_open))
        ctx.set(dut.masses_take, take)
        if take:
            for row, entry in enumerate(self._sums.pop(0).entries):
                self._masses.append((clock + 12, {"row": row, "entry": entry}))
        mass = self._chance_of(self._masses and self._masses[0][0] <= clock)
        ctx.set(dut.masses.valid, mass)
        if mass:
            layout = dut.masses.payload.shape()
            ctx.set(dut.masses.payload, layout.const(self._masses.pop(0)[1]))
        return ready, released, table_released

    def _take(self, sampled, ready):
        """Take what the unit said in a cycle."""
        asks, word, count, writes, single, bank, index, entries, *table = sampled
        if asks and ready:
            lanes = self._config.engine.row_words
            assert 1 <= count <= lanes
            words = self._rng.integers(0, 1 << 64, lanes, dtype=np.uint64)
            words[:count] = self._plan.memory[word : word + count]
            data = int.from_bytes(words.tobytes(), "little")
            delay = LATENCY if self._chance == 1 or self._rng.random() < 0.9 else 10 * LATENCY
            self._answers.append((self._clock + delay, data))
            for n in range(word, word + count):
                assert n not in self.asked
                self.asked[n] = self.performed
        if writes:
            entries = self._dut.entry.entries.shape().from_bits(entries)
            for number in range(1 if single else len(entries)):
                fields = {name: entries[number][name] for name in PARAMETER.names}
                self._buffers[bank][index + number] = fields
        table_writes, table_bank, addr, word = table
        if table_writes:
            self._tables[table_bank][addr] = word

    async def run(self, ctx):
        """Until the last use is released."""
        dut, entry, table = self._dut, self._dut.entry, self._dut.table
        command = dut.command.payload
        while self._uses or self._table_uses:
            ready, released, table_released = self._drive(ctx)
            _, _, *sampled = await ctx.tick().sample(
                *(dut.command.valid, command.word, command.count),
                *(entry.valid, entry.single, entry.bank, entry.index, entry.entries.as_value()),
                *(table.valid, table.bank, table.addr, table.data),
            )
            self._take(sampled, ready)
            self._clock += 1
            for bank in range(2):
                if released >> bank & 1:
                    assert ctx.get(dut.filled[bank]) == 0, "released, and not empty"
                if table_released >> bank & 1:
                    assert not ctx.get(dut.table_filled) >> bank & 1


def run(config, plan, rng, *, chance=1.0, patience=0.1):
    """Simulate the unit through the plan; return the surroundings."""
    dut = ParameterUnit(config=config)
    around = Surroundings(dut, config, plan, rng, chance, patience)

    async def stepper(ctx):
        items = [Item(use.step) for use in plan.uses]
        await send(ctx, dut, dut.step, items, np.random.default_rng(1), chance)

    simulate(dut, stepper, around.run)
    return around


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("chance, patience", [(1.0, 0.1), (1.0, 1.0), (0.5, 0.1), (0.5, 1.0)])
def test_random_jobs(name, chance, patience):
    """All that `filled` promises is there, and the words asked for are just those needed."""
    config = find_config(name)
    rng = np.random.default_rng(8)
    plan = Plan(config, rng)
    for n in range(16):
        plan.anything(None if n % 2 else (START + 3 * n) % (1 << POSITION_BITS))
    around = run(config, plan, rng, chance=chance, patience=patience)
    assert sorted(around.asked) == [word for use in plan.uses for word in use.words]
    for use in plan.uses:
        gate = use.step.get("gate")
        if gate:
            times = {around.asked[word] % (1 << POSITION_BITS) for word in use.words}
            ahead = [(at - gate["position"]) % (1 << POSITION_BITS) for at in times]
            assert max(ahead) < 1 << (POSITION_BITS - 1), "asked for before its gate was open"


def test_a_wrong_word_is_noticed():
    rng = np.random.default_rng(9)
    plan = Plan(TINY, rng)
    plan.attention(3, 5)
    plan.entries(7)
    plan.memory[plan.uses[-1].words[9]] ^= np.uint64(1)
    with pytest.raises(AssertionError, match="mul of entry 4"):
        run(TINY, plan, rng)


def test_waiting():
    """`waiting` says that the gate of the next step is closed, and nothing else."""
    dut = ParameterUnit(config=TINY)
    payload = {"load": Load.ENTRIES, "word": 8, "count": 1, "gate": {"wait": 1, "position": 5}}

    async def testbench(ctx):
        assert not ctx.get(dut.waiting)
        ctx.set(dut.step.payload, dut.step.payload.shape().const(payload))
        ctx.set(dut.step.valid, 1)
        for performed in (0, 4, (1 << POSITION_BITS) - 1):
            ctx.set(dut.performed, performed)
            assert ctx.get(dut.waiting) and not ctx.get(dut.step.ready)
        ctx.set(dut.performed, 5)
        assert not ctx.get(dut.waiting) and ctx.get(dut.step.ready)
        await ctx.tick()

    simulate(dut, testbench)


def test_pace():
    """In PAPER a step of 64 entries takes 24 cycles; the next one is asked for behind it."""
    rng = np.random.default_rng(10)
    plan = Plan(PAPER, rng)
    for _ in range(6):
        plan.entries(64)
    around = run(PAPER, plan, rng, patience=1.0)
    assert around.filled_at[0] <= 25
    assert np.diff(around.filled_at).max() <= 18


@pytest.mark.parametrize("name", [*NAMES, "square"])
def test_converts(name):
    config = find_config(name)
    assert "module parameters" in to_verilog(ParameterUnit(config=config), name="parameters")
