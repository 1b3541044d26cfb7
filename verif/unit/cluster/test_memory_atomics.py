"""Atomics in main memory: results, reservations, errors and cycles, behind the harts' arbiter."""

import random
from itertools import islice

import pytest
from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.cluster.data_arbiter import DataArbiter
from hw.cluster.memory_atomics import MemoryAtomics
from hw.core.bus import DataSignature
from hw.presets import PAPER, TINY
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.buses import access, target
from verif.lib.planted import plant
from verif.lib.streams import simulate
from verif.lib.tcdm_atomics import AMOS, ReservedWords, amo

FAULTY = 0x8000_0FF0
"""Where the memory answers with an error."""


class SharedMemory(wiring.Component):
    """Harts, their arbiter, the atomics."""

    def __init__(self, harts):
        self.arbiter = DataArbiter(harts=harts)
        self.atomics = MemoryAtomics(harts=harts)
        super().__init__({"hart": In(DataSignature()).array(harts), "memory": Out(DataSignature())})

    def elaborate(self, platform):
        m = Module()
        m.submodules.arbiter = arbiter = self.arbiter
        m.submodules.atomics = atomics = self.atomics
        connect(m, arbiter.port, atomics.port)
        connect(m, atomics.memory, flipped(self.memory))
        m.d.comb += atomics.hart.eq(arbiter.owner)
        for outer, inner in zip(self.hart, arbiter.hart, strict=True):
            connect(m, flipped(outer), inner)
        return m


class Words:
    """Words of memory, by address."""

    def __init__(self):
        self.words = {}

    def load(self, addr):
        return self.words.get(addr & ~3, 0)

    def store(self, addr, data, strobe):
        mask = sum(0xFF << 8 * lane for lane in range(4) if strobe >> lane & 1)
        self.words[addr & ~3] = self.load(addr) & ~mask | data & mask

    def answer(self, payload):
        """What the memory does: it knows loads and stores only."""
        assert payload.op in (TcdmOp.LOAD, TcdmOp.STORE)
        if payload.addr == FAULTY:
            return {"data": 0xDEAD, "error": 1}
        if payload.op == TcdmOp.STORE:
            self.store(payload.addr, payload.data, payload.strobe)
            return {"data": 0xBEEF, "error": 0}
        return {"data": self.load(payload.addr), "error": 0}


class Model(Words):
    """What each access must do, one after the other."""

    def __init__(self, harts):
        super().__init__()
        self.reserved = ReservedWords(harts)
        self.succeeded = self.failed = 0

    def serve(self, hart, op, addr, data, strobe):
        """Return the expected data, None for any, and error."""
        word, old = addr >> 2, self.load(addr)
        if op == TcdmOp.LR:
            self.reserved.reserve(hart, word)
        if op == TcdmOp.SC:
            stores = self.reserved.release(hart, word)
            self.succeeded += stores
            self.failed += not stores
            if not stores:
                return 1, 0
        if op == TcdmOp.SC or op in AMOS or (op == TcdmOp.STORE and strobe):
            self.reserved.written(hart, word)
        if addr == FAULTY:
            return None, 1
        if op in AMOS:
            self.store(addr, amo(op, old, data), 15)
        if op in (TcdmOp.STORE, TcdmOp.SC):
            self.store(addr, data, strobe)
            return (None if op == TcdmOp.STORE else 0), 0
        return old, 0


def checker(dut, model):
    """Return a process that serves what the port takes from the model, and compares responses."""
    port, hart = dut.atomics.port, dut.atomics.hart

    async def process(ctx):
        expected = None
        while True:
            _, _, valid, ready, payload, who, answered, data, error = await ctx.tick().sample(
                port.req.valid,
                port.req.ready,
                port.req.payload,
                hart,
                port.rsp.valid,
                port.rsp.data,
                port.rsp.error,
            )
            if answered:
                assert expected is not None, "a response that nobody asked for"
                assert error == expected[1]
                assert data == expected[0] or expected[0] is None or error
                expected = None
            if valid and ready:
                assert expected is None
                fields = (payload.op, payload.addr, payload.data, payload.strobe)
                expected = model.serve(who, *fields)

    return process


def random_payloads(rng):
    """Accesses of a hart, one after the other: often an LR, something else, and an SC."""
    words = (0x8000_0100, 0x8000_0104, 0x8000_0100, 0x8000_0200, FAULTY)
    while True:
        addr, again = rng.choice(words), rng.choice(words)
        ops = [
            TcdmOp.LR,
            *rng.choices([TcdmOp.LOAD, *[TcdmOp.STORE] * 6, *AMOS], k=rng.choice(range(3))),
        ]
        for op in ops + [TcdmOp.SC] * rng.choice((1, 1, 1, 2)):
            strobe = rng.getrandbits(4) if op in (TcdmOp.LOAD, TcdmOp.STORE) else 15
            where = addr if rng.random() < 0.8 else again
            yield {"op": op, "addr": where, "data": rng.getrandbits(32), "strobe": strobe}


def run(harts, ready, delays, rounds=150):
    dut = SharedMemory(harts)
    model, memory = Model(harts), Words()

    def hart(index):
        async def process(ctx):
            rng = random.Random(index)
            for payload in islice(random_payloads(rng), rounds):
                for _ in range(rng.choice((0, 0, 1, 5))):
                    await ctx.tick()
                await access(ctx, dut.hart[index], payload)

        return process

    background = [
        target(dut.memory, memory.answer, seed=harts, ready=ready, delays=delays),
        checker(dut, model),
    ]
    simulate(dut, *(hart(index) for index in range(harts)), background=background)
    assert memory.words == model.words
    return model


@pytest.mark.parametrize(
    ("harts", "ready", "delays"),
    [(1, 1.0, (1, 1)), (2, 1.0, (1, 1)), (3, 0.5, (1, 3)), (5, 0.7, (1, 4))],
)
def test_random(harts, ready, delays):
    model = run(harts, ready, delays)
    assert model.succeeded > 5 and model.failed > 5


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("conditional & ~held", "0"),
        ("conditional & ~held", "conditional"),
        ("Mux(answered, answer, response.data)", "response.data"),
        ("reading & ~response.error", "reading"),
        ("reading & ~response.error", "0"),
        ("writing.eq(~response.error)", "writing.eq(1)"),
        ("~refused & response.error", "response.error"),
        ("amo.old.eq(answer)", "amo.old.eq(amo.operand)"),
        ("outgoing.payload.addr.eq(address)", "outgoing.payload.addr.eq(request.addr)"),
    ],
)
def test_planted(monkeypatch, right, wrong):
    plant(monkeypatch, MemoryAtomics, "elaborate", right, wrong)
    with pytest.raises(AssertionError):
        run(3, 0.7, (1, 3))


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("& request.strobe.any()", ""),
        ("| is_amo(request.op)", ""),
        ("((request.op == TcdmOp.SC) & held)", "0"),
        ("(request.op == TcdmOp.STORE)", "0"),
        ("write.master.eq(self.hart)", "write.master.eq(0)"),
        ("hart.word.half.eq(request.addr[2])", "hart.word.half.eq(0)"),
        ("taken & mine & (request.op == TcdmOp.SC)", "0"),
    ],
)
def test_planted_reservations(monkeypatch, right, wrong):
    plant(monkeypatch, MemoryAtomics, "_reserve", right, wrong)
    with pytest.raises(AssertionError):
        run(3, 1.0, (1, 1), rounds=400)


def test_cycles():
    """Only AMOs take more than the memory does."""
    dut = SharedMemory(2)
    memory = Words()
    cycles = {TcdmOp.LOAD: 1, TcdmOp.STORE: 1, TcdmOp.LR: 1, TcdmOp.SC: 1, TcdmOp.AMO_ADD: 3}

    async def bench(ctx):
        for op, expected in cycles.items():
            payload = {"op": op, "addr": 0x8000_0000, "data": 5, "strobe": 15}
            data, error, taken = await access(ctx, dut.hart[1], payload)
            assert (error, taken) == (0, expected)
        assert data == 5 and memory.words == {0x8000_0000: 10}
        data, error, taken = await access(ctx, dut.hart[1], payload | {"op": TcdmOp.SC})
        assert (data, error, taken) == (1, 0, 1)

    simulate(dut, bench, background=[target(dut.memory, memory.answer)])


@pytest.mark.parametrize("conditionally", [False, True])
def test_everybody_adds_to_one_word(conditionally):
    """Nothing that is added is lost, and there is an end."""
    harts, rounds, addr = 4, 20, 0x8000_0104
    dut = SharedMemory(harts)
    memory = Words()

    def hart(index):
        async def process(ctx):
            port = dut.hart[index]
            rng = random.Random(index)
            for _ in range(rounds):
                amount = 1 << 8 * index
                payload = {"op": TcdmOp.AMO_ADD, "addr": addr, "data": amount, "strobe": 15}
                failed = conditionally
                if not conditionally:
                    await access(ctx, port, payload)
                while failed:
                    old, _, _ = await access(ctx, port, payload | {"op": TcdmOp.LR})
                    for _ in range(rng.randrange(4)):
                        await ctx.tick()
                    again = payload | {"op": TcdmOp.SC, "data": old + amount}
                    failed, _, _ = await access(ctx, port, again)

        return process

    background = [target(dut.memory, memory.answer, ready=0.8, delays=(1, 2))]
    simulate(dut, *(hart(index) for index in range(harts)), background=background)
    assert memory.words == {addr: 0x01010101 * rounds}


def test_bad_count():
    with pytest.raises(ValueError, match="harts is 0"):
        MemoryAtomics(harts=0)


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_converts(config):
    assert "module atomics" in to_verilog(MemoryAtomics(harts=config.harts), name="atomics")
