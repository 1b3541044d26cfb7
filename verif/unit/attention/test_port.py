import numpy as np
import pytest

from hw.attention.streams.port import ANSWERS, WRITES_WAITING, Port, PortLoad
from hw.presets import TINY
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import Item, send, simulate

WORDS = 64


class Bank:
    """A slave with 64 words that grants at random and checks that requests stay."""

    def __init__(self, dut, rng, chance):
        self.words = rng.integers(0, 1 << 63, WORDS).tolist()
        self.log = []
        self._dut, self._rng, self._chance = dut, rng, chance

    async def run(self, ctx):
        bus = self._dut.bus
        payload = bus.req.payload
        refused = None
        while True:
            ready = self._rng.random() < self._chance
            ctx.set(bus.req.ready, ready)
            *_, valid, bits = await ctx.tick().sample(bus.req.valid, payload.as_value())
            assert refused is None or (valid and bits == refused), "a request did not stay"
            refused = bits if valid and not ready else None
            ctx.set(bus.rsp.valid, valid and ready)
            if valid and ready:
                ctx.set(bus.rsp.data, self._access(payload.shape().from_bits(bits)))

    def _access(self, request):
        word = request.addr // 8
        self.log.append((request.op, word))
        if request.op == TcdmOp.LOAD:
            return self.words[word]
        assert request.op == TcdmOp.STORE
        for lane in range(8):
            if request.strobe >> lane & 1:
                mask = 0xFF << 8 * lane
                self.words[word] = self.words[word] & ~mask | request.data & mask
        return 0xBAD


@pytest.mark.parametrize("chances", [(1, 1), (0.5, 1), (1, 0.3), (0.5, 0.5)], ids=str)
def test_reads_and_writes(chances):
    """Reads go to words 0..31, writes to 32..63: what each gives does not depend on order."""
    granted, taken = chances
    dut = Port(config=TINY)
    rng = np.random.default_rng(3)
    bank = Bank(dut, rng, granted)
    before = list(bank.words)
    reads = rng.integers(0, 32, 150).tolist()
    writes = [
        {"word": w, "data": d, "strobe": s}
        for w, d, s in zip(
            rng.integers(32, 64, 100).tolist(),
            rng.integers(0, 1 << 63, 100).tolist(),
            rng.integers(0, 256, 100).tolist(),
            strict=True,
        )
    ]

    async def reader(ctx):
        for word in reads:
            ctx.set(dut.read.payload, word)
            ctx.set(dut.read.valid, 1)
            await ctx.tick().until(dut.read.ready)
        ctx.set(dut.read.valid, 0)

    async def writer(ctx):
        await send(ctx, dut, dut.write, [Item(w) for w in writes], rng, 0.5)
        while ctx.get(dut.pending):
            await ctx.tick()
        for write in writes:
            for lane in range(8):
                if write["strobe"] >> lane & 1:
                    mask = 0xFF << 8 * lane
                    before[write["word"]] = before[write["word"]] & ~mask | write["data"] & mask
        assert bank.words == before, "all writes are performed when none is pending"

    async def receiver(ctx):
        for word in reads:
            while rng.random() >= taken:
                await ctx.tick()
            ctx.set(dut.data.ready, 1)
            data = await ctx.tick().sample(dut.data.payload).until(dut.data.valid)
            assert data == (before[word],)
            ctx.set(dut.data.ready, 0)

    simulate(dut, reader, writer, receiver, background=[bank.run])
    assert sum(op == TcdmOp.LOAD for op, _ in bank.log) == len(reads)


@pytest.mark.parametrize("chance", [1, 0.5])
def test_counts_what_is_pending(chance):
    """`pending` counts writes taken and not granted; pulses say what each cycle brought."""
    dut = Port(config=TINY)
    rng = np.random.default_rng(5)
    bank = Bank(dut, rng, chance)

    async def user(ctx):
        pending = 0
        bus = dut.bus.req
        offers = [signal for s in (dut.read, dut.write) for signal in (s.valid, s.ready)]
        refused_read = refused_write = False
        for _ in range(300):
            if not refused_read:
                ctx.set(dut.read.valid, rng.random() < 0.6)
            if not refused_write:
                ctx.set(dut.write.valid, rng.random() < 0.6)
            assert ctx.get(dut.pending) == pending
            (
                _,
                _,
                valid,
                ready,
                op,
                performed,
                granted_read,
                refused,
                *offered,
            ) = await ctx.tick().sample(
                *(bus.valid, bus.ready, bus.payload.op),
                *(dut.performed, dut.granted_read, dut.refused),
                *offers,
            )
            granted = valid and ready
            assert performed == (granted and op == TcdmOp.STORE)
            assert granted_read == (granted and op == TcdmOp.LOAD)
            assert refused == (valid and not ready)
            refused_read = offered[0] and not offered[1]
            refused_write = offered[2] and not offered[3]
            pending += (offered[2] and offered[3]) - performed
            assert pending <= WRITES_WAITING + 1

    async def taker(ctx):
        ctx.set(dut.data.ready, 1)
        for _ in range(300):
            await ctx.tick()

    simulate(dut, user, taker, background=[bank.run])


def test_load():
    """A write is asked for at once, after the request on the bus, or after other writes."""
    dut = Port(config=TINY)

    async def bench(ctx):
        assert ctx.get(dut.load) == PortLoad.EMPTY
        ctx.set(dut.read.valid, 1)
        await ctx.tick()
        assert ctx.get(dut.load) == PortLoad.READING and ctx.get(dut.bus.req.valid)
        await ctx.tick()
        ctx.set(dut.read.valid, 0)
        ctx.set(dut.write.valid, 1)
        await ctx.tick()
        ctx.set(dut.write.valid, 0)
        assert ctx.get(dut.load) == PortLoad.WRITING and ctx.get(dut.pending) == 1
        ctx.set(dut.bus.req.ready, 1)
        await ctx.tick()
        assert ctx.get(dut.load) == PortLoad.WRITING and ctx.get(dut.pending) == 1
        assert ctx.get(dut.bus.req.payload.op) == TcdmOp.STORE, "before the read that waited"
        await ctx.tick()
        assert ctx.get(dut.load) == PortLoad.READING and ctx.get(dut.pending) == 0
        await ctx.tick()
        assert ctx.get(dut.load) == PortLoad.EMPTY

    simulate(dut, bench)


def test_crowded():
    """Unless it is, a port takes a write in this cycle and in the next."""
    dut = Port(config=TINY)
    rng = np.random.default_rng(6)
    bank = Bank(dut, rng, 0.3)

    async def bench(ctx):
        refused = False
        crowded_before = seen = False
        for _ in range(300):
            assert crowded_before or ctx.get(dut.write.ready)
            if not refused:
                ctx.set(dut.write.valid, rng.random() < 0.7)
            crowded_before = ctx.get(dut.load) == PortLoad.CROWDED
            seen |= crowded_before
            assert crowded_before or ctx.get(dut.write.ready)
            refused = ctx.get(dut.write.valid) and not ctx.get(dut.write.ready)
            await ctx.tick()
        assert seen

    simulate(dut, bench, background=[bank.run])


@pytest.mark.parametrize("name", ["read", "write"])
def test_latency(name):
    """A cycle to the bus, where nothing is before; the answer at once."""
    dut = Port(config=TINY)
    bank = Bank(dut, np.random.default_rng(0), 1)

    async def bench(ctx):
        stream = getattr(dut, name)
        ctx.set(dut.data.ready, 1)
        for _ in range(5):
            ctx.set(stream.valid, 1)
            assert ctx.get(stream.ready)
            await ctx.tick()
            ctx.set(stream.valid, 0)
            assert ctx.get(dut.bus.req.valid)
            assert ctx.get(dut.pending) == (name == "write")
            await ctx.tick()
            assert ctx.get(dut.data.valid) == (name == "read")
            assert not ctx.get(dut.bus.req.valid) and not ctx.get(dut.pending)
            await ctx.tick()

    simulate(dut, bench, background=[bank.run])


@pytest.mark.parametrize("name", ["read", "write"])
@pytest.mark.parametrize("chance", [1, 0.5])
def test_asks_in_every_cycle(name, chance):
    """Whatever the bank grants is used."""
    dut = Port(config=TINY)
    bank = Bank(dut, np.random.default_rng(4), chance)
    cycles = 400

    async def bench(ctx):
        stream = getattr(dut, name)
        ctx.set(dut.data.ready, 1)
        ctx.set(stream.valid, 1)
        await ctx.tick()
        for _ in range(cycles):
            assert ctx.get(dut.bus.req.valid)
            await ctx.tick()

    simulate(dut, bench, background=[bank.run])
    assert abs(len(bank.log) - cycles * chance) < 50


def test_no_read_without_room():
    dut = Port(config=TINY)
    bank = Bank(dut, np.random.default_rng(0), 1)

    async def reader(ctx):
        ctx.set(dut.read.valid, 1)
        for _ in range(40):
            await ctx.tick()
        assert len(bank.log) == ANSWERS

    simulate(dut, reader, background=[bank.run])


@pytest.mark.parametrize("seed", range(5))
def test_clear(seed):
    """After a clear nothing of before comes back, and what is asked for then is answered."""
    dut = Port(config=TINY)
    rng = np.random.default_rng(seed)
    bank = Bank(dut, rng, 0.4)

    async def user(ctx):
        for _ in range(20):
            ctx.set(dut.read.valid, 1)
            ctx.set(dut.write.valid, 1)
            for _ in range(int(rng.integers(1, 12))):
                ctx.set(dut.read.payload, int(rng.integers(0, 32)))
                ctx.set(dut.data.ready, rng.random() < 0.3)
                await ctx.tick()
            ctx.set(dut.read.valid, 0)
            ctx.set(dut.write.valid, 0)
            ctx.set(dut.clear, 1)
            await ctx.tick()
            while ctx.get(dut.active):
                await ctx.tick()
            ctx.set(dut.clear, 0)
            ctx.set(dut.data.ready, 1)
            assert not ctx.get(dut.data.valid) and not ctx.get(dut.pending)
            word = int(rng.integers(32, 64))
            ctx.set(dut.read.payload, word)
            ctx.set(dut.read.valid, 1)
            await ctx.tick().until(dut.read.ready)
            ctx.set(dut.read.valid, 0)
            data = await ctx.tick().sample(dut.data.payload).until(dut.data.valid)
            assert data == (bank.words[word],)

    simulate(dut, user, background=[bank.run])


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    assert "module port" in to_verilog(Port(config=find_config(name)), name="port")
