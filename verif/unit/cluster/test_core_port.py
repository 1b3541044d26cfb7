"""CorePort against the address map."""

import random

import pytest

from hw.cluster.core_port import CorePort
from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import BLOCKS
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.buses import access, request, response, target
from verif.lib.streams import simulate

MASK = 0xFFFFFFFF


def expected_target(config, op, addr):
    """Return which port an access belongs to."""
    plain = op in (TcdmOp.LOAD, TcdmOp.STORE)
    if plain and DEVICE_BASE <= addr < DEVICE_BASE + 0x1000:
        return "events"
    if plain and DEVICE_BASE <= addr < DEVICE_BASE + 0x10000:
        return "devices"
    if MAIN_BASE <= addr < MAIN_BASE + config.main_bytes:
        return "memory"
    return None


def addresses(config, rng):
    """Yield addresses: the edges of every window, and random ones inside and outside."""
    edges = [0, MASK - 3, TCDM_BASE, TCDM_BASE + config.tcdm.bytes]
    edges += [MAIN_BASE, MAIN_BASE + config.main_bytes, DEVICE_BASE, DEVICE_BASE + 0x10000]
    edges += [DEVICE_BASE + block.offset for block in BLOCKS]
    for edge in edges:
        for offset in (-4, 0, 4):
            yield (edge + offset) & MASK & ~3
    for _ in range(150):
        base, size = rng.choice(
            [
                (TCDM_BASE, config.tcdm.bytes),
                (DEVICE_BASE, 0x5000),
                (MAIN_BASE, config.main_bytes),
                (0, 1 << 32),
            ]
        )
        yield base + rng.randrange(size) & ~3


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_every_access_reaches_its_target(config):
    dut = CorePort(config=config)
    seen = []

    def device(name):
        def answer(payload):
            seen.append((name, payload))
            return {"data": payload.addr ^ 0x1234, "error": payload.addr >> 3 & 1}

        return answer

    async def bench(ctx):
        rng = random.Random(1)
        for addr in addresses(config, rng):
            op = rng.choice((TcdmOp.LOAD, TcdmOp.STORE, TcdmOp.LOAD, TcdmOp.STORE, TcdmOp.AMO_ADD))
            payload = {
                "op": op,
                "addr": addr,
                "data": rng.getrandbits(32),
                "strobe": rng.getrandbits(4),
            }
            seen.clear()
            data, error, cycles = await access(ctx, dut.core, payload)
            expected = expected_target(config, op, addr)
            assert [name for name, _ in seen] == ([expected] if expected else []), hex(addr)
            if expected is None:
                assert (error, cycles) == (1, 1)
                continue
            got = seen[0][1]
            local = addr & 0xFFF if expected == "events" else addr
            assert (data, error) == (local ^ 0x1234, local >> 3 & 1)
            assert (got.addr, got.data, got.strobe) == (local, payload["data"], payload["strobe"])
            if expected == "events":
                assert got.write == (op == TcdmOp.STORE)
            else:
                assert got.op == op

    targets = []
    for name in ("events", "devices", "memory"):
        port = getattr(dut, name)
        targets.append(target(port, device(name), seed=len(name), ready=0.6, delays=(1, 4)))
    simulate(dut, bench, background=targets)


def test_one_access_a_cycle():
    """A new request is taken with the last one's response; none before it."""
    dut = CorePort(config=TINY)

    async def bench(ctx):
        ctx.set(dut.memory.req.ready, 1)
        ctx.set(dut.core.req.valid, 1)
        for word in range(8):
            ctx.set(dut.core.req.payload.addr, MAIN_BASE + 4 * word)
            _, _, ready = await ctx.tick().sample(dut.core.req.ready)
            assert ready
            ctx.set(dut.memory.rsp.valid, 1)
        ctx.set(dut.memory.rsp.valid, 0)
        for _ in range(3):
            _, _, ready, valid = await ctx.tick().sample(dut.core.req.ready, dut.memory.req.valid)
            assert not ready and not valid

    simulate(dut, bench)


def test_responses_stay_in_order():
    """A fault right behind a slow access does not overtake it."""
    dut = CorePort(config=TINY)
    order = []

    async def asks(ctx):
        for addr in (MAIN_BASE, 0x40, MAIN_BASE + 4):
            await request(ctx, dut.core.req, {"op": TcdmOp.LOAD, "addr": addr, "strobe": 15})

    async def hears(ctx):
        for _ in range(3):
            data, error, _ = await response(ctx, dut.core.rsp)
            order.append((data if not error else None, error))

    memory = target(dut.memory, lambda p: {"data": p.addr, "error": 0}, delays=(6, 6))
    simulate(dut, asks, hears, background=[memory])
    assert order == [(MAIN_BASE, 0), (None, 1), (MAIN_BASE + 4, 0)]


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_converts(config):
    assert "module port" in to_verilog(CorePort(config=config), name="port")
