"""DataArbiter: whose request goes through, whose response comes back, who waits how long."""

import random

import pytest

from hw.cluster.data_arbiter import DataArbiter
from hw.presets import PAPER, TINY
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.buses import request, response, target
from verif.lib.streams import simulate


@pytest.mark.parametrize(
    ("harts", "ready", "delays"), [(1, 1.0, (1, 1)), (2, 0.5, (1, 3)), (5, 0.7, (1, 4))]
)
def test_requests_and_responses_match(harts, ready, delays):
    """Random traffic of all harts: each sees its own responses, every request arrives once."""
    dut = DataArbiter(harts=harts)
    arrived = []
    issued = []

    def answer(payload):
        arrived.append((payload.addr, payload.data, payload.strobe, payload.op))
        return {"data": payload.addr ^ 0x5A5A5A5A, "error": payload.addr & 1}

    def hart(index):
        async def process(ctx):
            rng = random.Random(index)
            for number in range(60):
                for _ in range(rng.choice((0, 0, 1, 5))):
                    await ctx.tick()
                addr = index << 16 | number
                payload = {
                    "op": rng.choice((TcdmOp.LOAD, TcdmOp.STORE)),
                    "addr": addr,
                    "data": rng.getrandbits(32),
                    "strobe": rng.getrandbits(4),
                }
                issued.append((addr, payload["data"], payload["strobe"], payload["op"]))
                await request(ctx, dut.hart[index].req, payload)
                data, error, _ = await response(ctx, dut.hart[index].rsp)
                assert (data, error) == (addr ^ 0x5A5A5A5A, addr & 1)

        return process

    async def owner(ctx):
        """Every request says whose it is: the upper half of its address."""
        while True:
            _, _, valid, payload, owner = await ctx.tick().sample(
                dut.port.req.valid, dut.port.req.payload, dut.owner
            )
            assert not valid or owner == payload.addr >> 16

    port = target(dut.port, answer, seed=harts, ready=ready, delays=delays)
    simulate(dut, *(hart(index) for index in range(harts)), background=[port, owner])
    assert len(arrived) == 60 * harts
    assert sorted(arrived) == sorted(issued)


def test_full_rate_and_bounded_wait():
    """All harts ask in every cycle: one access a cycle, and each hart gets every fourth."""
    harts = 4
    dut = DataArbiter(harts=harts)
    taken = []

    async def bench(ctx):
        ctx.set(dut.port.req.ready, 1)
        for hart in dut.hart:
            ctx.set(hart.req.valid, 1)
        for _ in range(40):
            ready = [hart.req.ready for hart in dut.hart]
            _, _, valid, *ready = await ctx.tick().sample(dut.port.req.valid, *ready)
            ctx.set(dut.port.rsp.valid, 1)
            assert valid and sum(ready) == 1
            taken.append(ready.index(1))

    simulate(dut, bench)
    for start in range(len(taken) - harts):
        assert sorted(taken[start : start + harts]) == list(range(harts))


def test_bad_count():
    with pytest.raises(ValueError, match="harts is 0"):
        DataArbiter(harts=0)


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_converts(config):
    assert "module arbiter" in to_verilog(DataArbiter(harts=config.harts), name="arbiter")
