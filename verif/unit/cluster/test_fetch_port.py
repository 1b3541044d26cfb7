"""FetchPort: instructions from main memory and TCDM, beside the hart's own TCDM accesses."""

import random
from functools import partial

import pytest

from hw.cluster.fetch_port import FetchPort
from hw.config import MAIN_BASE, TCDM_BASE
from hw.presets import PAPER, TINY
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.buses import request, response, target
from verif.lib.streams import simulate


def word_at(offset):
    """Return what this test's TCDM holds in a 64-bit word."""
    return (offset | 4) << 32 | 0xA0000000 | offset & ~7


def run(config, *benches, ready=1.0, writes=None):
    """Run benches `bench(ctx, dut)` with a TCDM and a main memory behind the port."""
    dut = FetchPort(config=config)

    def tcdm(payload):
        if payload.op == TcdmOp.STORE:
            writes.append((payload.addr, payload.data, payload.strobe))
        return {"data": word_at(payload.addr & ~7)}

    def main(address):
        return {"data": address ^ 0x77, "error": address & 0x100 != 0}

    memories = [
        target(dut.tcdm, tcdm, seed=7, ready=ready),
        target(dut.memory, main, seed=8, ready=ready),
    ]
    simulate(dut, *(partial(bench, dut=dut) for bench in benches), background=memories)


def expected(config, address):
    """Return data and error of a fetch."""
    if TCDM_BASE <= address < TCDM_BASE + config.tcdm.bytes:
        word = word_at(address - TCDM_BASE & ~7)
        return (word >> 32 if address & 4 else word & 0xFFFFFFFF), 0
    if MAIN_BASE <= address < MAIN_BASE + config.main_bytes:
        return address ^ 0x77, address >> 8 & 1
    return None, 1


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
@pytest.mark.parametrize("ready", [1.0, 0.5])
def test_random_fetches_beside_loads_and_stores(config, ready):
    """Fetches answer in the next cycle with the right word; loads and stores are undisturbed."""
    writes, stored, done = [], [], []

    async def fetches(ctx, dut):
        rng = random.Random(1)
        for _ in range(150):
            base, size = rng.choice(
                [(TCDM_BASE, config.tcdm.bytes), (MAIN_BASE, config.main_bytes), (0, 4096)]
            )
            address = base + 4 * rng.randrange(size // 4)
            await request(ctx, dut.core.req, address)
            data, error, cycles = await response(ctx, dut.core.rsp)
            assert cycles == 1
            want, fault = expected(config, address)
            assert error == fault
            assert fault or data == want
        done.append(True)

    async def accesses(ctx, dut):
        rng = random.Random(2)
        for _ in range(200):
            for _ in range(rng.choice((0, 0, 2))):
                await ctx.tick()
            offset = 8 * rng.randrange(config.tcdm.bytes // 8)
            op = rng.choice((TcdmOp.LOAD, TcdmOp.STORE))
            payload = {"op": op, "addr": offset, "data": rng.getrandbits(64), "strobe": 0xF0}
            await request(ctx, dut.data.req, payload)
            _, _, valid, data = await ctx.tick().sample(dut.data.rsp.valid, dut.data.rsp.data)
            assert valid
            if op == TcdmOp.STORE:
                stored.append((offset, payload["data"], 0xF0))
            else:
                assert data == word_at(offset)

    async def watch(ctx, dut):
        """Loads and stores get their own responses and none of a fetch."""
        taken = 0
        port = dut.data
        while not done:
            _, _, valid, is_ready, answered = await ctx.tick().sample(
                port.req.valid, port.req.ready, port.rsp.valid
            )
            assert answered == taken
            taken = valid & is_ready

    run(config, fetches, accesses, watch, ready=ready, writes=writes)
    assert writes == stored and stored


def test_rates():
    """Main memory an instruction a cycle, TCDM one in three."""

    dut = FetchPort(config=TINY)

    async def bench(ctx):
        ctx.set(dut.tcdm.req.ready, 1)
        ctx.set(dut.memory.req.ready, 1)
        for base, period in ((MAIN_BASE, 1), (TCDM_BASE, 3)):
            ctx.set(dut.core.req.valid, 1)
            address, taken = base, 0
            for _ in range(30):
                ctx.set(dut.core.req.payload, address)
                _, _, ready = await ctx.tick().sample(dut.core.req.ready)
                taken += ready
                address += 4 * ready
            ctx.set(dut.core.req.valid, 0)
            assert taken == 30 // period

    simulate(dut, bench)


def test_change_of_mind():
    """A fetch that is replaced or withdrawn before it is taken leaves nothing behind."""

    async def bench(ctx, dut):
        rng = random.Random(3)
        for _ in range(100):
            ctx.set(dut.core.req.valid, 1)
            ctx.set(dut.core.req.payload, TCDM_BASE + 4 * rng.randrange(64))
            for _ in range(rng.randrange(3)):
                _, _, ready, answered = await ctx.tick().sample(
                    dut.core.req.ready, dut.core.rsp.valid
                )
                assert not answered
                if ready:
                    ctx.set(dut.core.req.valid, 0)
                    await response(ctx, dut.core.rsp)
                    break
            if rng.random() < 0.5:
                ctx.set(dut.core.req.valid, 0)
                for _ in range(rng.randrange(4)):
                    await ctx.tick()
            address = TCDM_BASE + 4 * rng.randrange(64)
            await request(ctx, dut.core.req, address)
            data, error, cycles = await response(ctx, dut.core.rsp)
            assert (data, error, cycles) == (*expected(TINY, address), 1)

    run(TINY, bench, ready=0.7)


def test_each_fetch_reads_anew():
    """The same word fetched twice shows what was written in between."""
    dut = FetchPort(config=TINY)
    contents = [0x11]

    async def bench(ctx):
        for value in (0x11, 0x22, 0x33):
            contents[0] = value
            await request(ctx, dut.core.req, TCDM_BASE)
            data, _, _ = await response(ctx, dut.core.rsp)
            assert data == value

    simulate(dut, bench, background=[target(dut.tcdm, lambda p: {"data": contents[0]})])


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_converts(config):
    assert "module fetch" in to_verilog(FetchPort(config=config), name="fetch")
