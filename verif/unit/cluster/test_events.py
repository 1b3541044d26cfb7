"""EventUnit: interrupts, events and the barrier, seen from the harts' ports."""

import random
from functools import partial

import pytest

from hw.cluster.events import EventUnit
from hw.presets import PAPER, TINY
from hw.regmap import EVENTS
from hw.verilog import to_verilog
from verif.lib.buses import access, request, response
from verif.lib.streams import simulate

BARRIER = EVENTS["barrier"].address()


def run(harts, *benches):
    """Run test benches `bench(ctx, dut)` side by side."""
    dut = EventUnit(harts=harts)
    simulate(dut, *(partial(bench, dut=dut) for bench in benches))


async def read(ctx, dut, hart, name, index=0):
    payload = {"addr": EVENTS[name].address(index), "write": 0, "strobe": 15}
    data, error, _ = await access(ctx, dut.port[hart], payload)
    assert not error
    return data


async def write(ctx, dut, hart, name, value, index=0):
    payload = {"addr": EVENTS[name].address(index), "write": 1, "data": value, "strobe": 15}
    _, error, _ = await access(ctx, dut.port[hart], payload)
    assert not error


async def start(ctx, dut, mask):
    ctx.set(dut.start, mask)
    await ctx.tick()
    ctx.set(dut.start, 0)
    await ctx.tick()


def levels(ctx, dut, name):
    return [ctx.get(getattr(hart, name)) for hart in dut.interrupts]


def test_software_interrupts():
    """msip[h] raises hart h's software interrupt and no other's; any hart writes it."""

    async def bench(ctx, dut):
        for index in range(3):
            await write(ctx, dut, (index + 1) % 3, "msip", 1, index)
            assert levels(ctx, dut, "software") == [hart == index for hart in range(3)]
            assert await read(ctx, dut, 0, "msip", index) == 1
            await write(ctx, dut, index, "msip", 0xFFFFFFFE, index)
            assert levels(ctx, dut, "software") == [0, 0, 0]

    run(3, bench)


def test_timer():
    """The interrupt is up exactly from mtime = mtimecmp on, over the carry of the low half too."""

    async def bench(ctx, dut):
        low = await read(ctx, dut, 0, "mtime_low")
        again = await read(ctx, dut, 0, "mtime_low")
        assert again == low + 2  # a read takes two cycles
        assert await read(ctx, dut, 0, "mtime_high") == 0
        await write(ctx, dut, 1, "mtimecmp_low", again + 40, 1)
        await write(ctx, dut, 1, "mtimecmp_high", 0, 1)
        now = await read(ctx, dut, 0, "mtime_low") + 2  # it was taken two edges ago
        for time in range(now, again + 60):
            assert levels(ctx, dut, "timer") == [0, time >= again + 40]
            await ctx.tick()
        await write(ctx, dut, 1, "mtimecmp_high", 1, 1)
        assert levels(ctx, dut, "timer") == [0, 0]

    run(2, bench)


def test_events_and_external_interrupt():
    """Engine and software events by mask; enable gates the interrupt; writing 1 clears."""

    async def bench(ctx, dut):
        ctx.set(dut.engine.mask, 0b101)
        ctx.set(dut.engine.valid, 1)
        await ctx.tick()
        ctx.set(dut.engine.valid, 0)
        await write(ctx, dut, 0, "event_set", 0b110)
        pending = [await read(ctx, dut, 1, "event_pending", hart) for hart in range(3)]
        assert pending == [0b001, 0b100, 0b101]
        assert levels(ctx, dut, "external") == [0, 0, 0]
        for hart, enable in enumerate((0b100, 0b100, 0b001)):
            await write(ctx, dut, hart, "event_enable", enable, hart)
        assert levels(ctx, dut, "external") == [0, 1, 1]
        await write(ctx, dut, 2, "event_pending", 0b001, 2)
        assert await read(ctx, dut, 2, "event_pending", 2) == 0b100
        assert levels(ctx, dut, "external") == [0, 1, 0]

    run(3, bench)


def test_event_set_and_cleared_at_once_stays():
    """An event of the very cycle in which the last one is cleared is not lost."""

    async def bench(ctx, dut):
        ctx.set(dut.engine.mask, 1)
        payload = {"addr": EVENTS["event_pending"].address(0), "write": 1, "data": 7, "strobe": 15}
        ctx.set(dut.port[0].req.payload, payload)
        ctx.set(dut.port[0].req.valid, 1)
        ctx.set(dut.engine.valid, 1)
        await ctx.tick()  # both at this edge
        ctx.set(dut.engine.valid, 0)
        ctx.set(dut.port[0].req.valid, 0)
        assert await read(ctx, dut, 0, "event_pending") == 1

    run(1, bench)


def test_who_is_there():
    async def bench(ctx, dut):
        assert await read(ctx, dut, 0, "hart_started") == 0
        await start(ctx, dut, 0b0110)
        await start(ctx, dut, 0b0001)
        assert await read(ctx, dut, 2, "hart_started") == 0b0111
        assert await read(ctx, dut, 3, "hart_count") == 4
        assert await read(ctx, dut, 0, "barrier_members") == 0b0111
        await write(ctx, dut, 0, "barrier_members", 0xFFFFFFFC)
        assert await read(ctx, dut, 0, "barrier_members") == 0b1100
        await start(ctx, dut, 0b1000)
        assert await read(ctx, dut, 0, "barrier_members") == 0b1100

    run(4, bench)


@pytest.mark.parametrize(
    ("name", "index", "is_write", "strobe"),
    [
        ("mtime_low", 0, 1, 15),  # read-only
        ("barrier", 0, 1, 15),
        ("msip", 2, 0, 15),  # a hart that is not there
        ("event_pending", 3, 0, 15),
        ("mtimecmp_high", 2, 1, 15),
        ("msip", 0, 1, 3),  # not the whole word
        (0xFFC, 0, 0, 15),
    ],
)
def test_refused(name, index, is_write, strobe):
    async def bench(ctx, dut):
        addr = name if isinstance(name, int) else EVENTS[name].address(index)
        payload = {"addr": addr, "write": is_write, "data": 1, "strobe": strobe}
        _, error, cycles = await access(ctx, dut.port[1], payload)
        assert (error, cycles) == (1, 1)

    run(2, bench)


@pytest.mark.parametrize("harts", [1, 2, 9])
@pytest.mark.parametrize("everyone", [True, False])
def test_barrier(harts, everyone):
    """Random arrivals, many rounds: nobody passes early, everybody at once and exactly once."""
    everyone = everyone or harts == 1
    rounds = 25
    members = (1 << harts) - 1 if everyone else 0b10 if harts == 2 else 0b101101010 & ~1
    is_member = [members >> hart & 1 for hart in range(harts)]
    cycle = 0
    arrived = [[] for _ in range(harts)]
    released = [[] for _ in range(harts)]
    go = False

    async def clock(ctx, dut):
        nonlocal cycle, go
        await start(ctx, dut, (1 << harts) - 1)
        if not everyone:
            await write(ctx, dut, 0, "barrier_members", members)
        go = True
        while min(map(len, released)) < rounds:
            await ctx.tick()
            cycle += 1
            assert cycle < 5000

    def hart(index):
        async def bench(ctx, dut):
            rng = random.Random(index)
            while not go:
                await ctx.tick()
            for _ in range(rounds):
                for _ in range(rng.choice((0, 0, 1, 7))):
                    await ctx.tick()
                assert await request(ctx, dut.port[index].req, {"addr": BARRIER}) == 0
                arrived[index].append(cycle)
                data, error, cycles = await response(ctx, dut.port[index].rsp)
                assert (data, error) == (0, 0)
                released[index].append(cycle)
                if not is_member[index]:
                    assert cycles == 1

        return bench

    run(harts, clock, *(hart(index) for index in range(harts)))
    inside = [index for index in range(harts) if is_member[index]]
    for number in range(rounds):
        last = max(arrived[index][number] for index in inside)
        assert {released[index][number] - last for index in inside} == {1}, number


def test_barrier_back_to_back():
    """A hart may arrive again in the cycle of its release: a barrier in every cycle, none lost."""

    async def bench(ctx, dut):
        await start(ctx, dut, 0b11)
        for port in dut.port:
            ctx.set(port.req.payload.addr, BARRIER)
            ctx.set(port.req.valid, 1)
        await ctx.tick()
        for _ in range(10):
            _, _, *released = await ctx.tick().sample(*(port.rsp.valid for port in dut.port))
            assert released == [1, 1]
        for port in dut.port:
            ctx.set(port.req.valid, 0)
        await ctx.tick()
        assert [ctx.get(port.rsp.valid) for port in dut.port] == [0, 0]

    run(2, bench)


def test_barrier_while_others_use_registers():
    """Ordinary accesses neither hold up the barrier nor get its responses."""

    async def waits(ctx, dut):
        await start(ctx, dut, 0b111)
        await write(ctx, dut, 0, "barrier_members", 0b011)
        await access(ctx, dut.port[0], {"addr": BARRIER})

    async def comes(ctx, dut):
        for number in range(20):
            await write(ctx, dut, 1, "msip", number & 1, 1)
        await access(ctx, dut.port[1], {"addr": BARRIER})

    async def reads(ctx, dut):
        for number in range(30):
            await write(ctx, dut, 2, "mtimecmp_low", 0x1000 + number, 2)
            assert await read(ctx, dut, 2, "mtimecmp_low", 2) == 0x1000 + number

    run(3, waits, comes, reads)


def test_change_of_members_releases():
    """Who waits for a hart that is struck off the list goes on."""

    async def waits(ctx, dut):
        await start(ctx, dut, 0b11)
        _, _, cycles = await access(ctx, dut.port[0], {"addr": BARRIER})
        assert cycles > 15

    async def strikes(ctx, dut):
        for _ in range(20):
            await ctx.tick()
        await write(ctx, dut, 1, "barrier_members", 0b01)

    run(2, waits, strikes)


@pytest.mark.parametrize("harts", [0, 17, 2.0])
def test_bad_count(harts):
    with pytest.raises(ValueError, match="harts is"):
        EventUnit(harts=harts)


@pytest.mark.parametrize("harts", [1, 16, *(config.harts for config in (TINY, PAPER))])
def test_converts(harts):
    assert "module events" in to_verilog(EventUnit(harts=harts), name="events")
