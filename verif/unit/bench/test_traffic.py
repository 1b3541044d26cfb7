"""The stand-ins for other masters: what they ask for, how often, and how their waits are told."""

import dataclasses

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.bench.traffic import BEAT_BYTES, DMA_BYTES, DMA_LANES, DmaLane, LoadingCore, Traffic
from hw.config import TcdmConfig
from hw.presets import PAPER, TINY
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog

BEATS = DMA_BYTES // BEAT_BYTES


def observe(dut, buses, ready, cycles, enable=lambda cycle: 1):
    """Run; return the requests granted on each bus, as (cycle, payload fields).

    `ready(cycle, number)` says whether a bus is granted. Requests must not change before that.
    """
    granted = [[] for _ in buses]

    async def bench(ctx):
        waiting = [None] * len(buses)
        for cycle in range(cycles):
            ctx.set(dut.enable, enable(cycle))
            for number, bus in enumerate(buses):
                open_ = ready(cycle, number)
                ctx.set(bus.req.ready, open_)
                payload = ctx.get(bus.req.payload)
                request = (payload.op, payload.addr, payload.data, payload.strobe)
                if waiting[number] is not None:
                    assert ctx.get(bus.req.valid) and request == waiting[number]
                waiting[number] = None
                if ctx.get(bus.req.valid):
                    if open_:
                        granted[number].append((cycle, *request))
                    else:
                        waiting[number] = request
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return granted


@pytest.mark.parametrize("chance", [1, 0.4])
def test_a_dma_lane_walks_its_area(chance):
    """A load of each beat of the lower half, a store to each of the upper, again and again."""
    rng = np.random.default_rng(1)
    dut = DmaLane(config=TINY, lane=3)
    (seen,) = observe(dut, [dut.bus], lambda *_: int(rng.random() < chance), 700)
    if chance == 1:
        assert [cycle for cycle, *_ in seen] == list(range(1, 700)), "one in every cycle"
    assert len(seen) > 2 * BEATS * chance * 0.9
    for number, (_, op, addr, data, strobe) in enumerate(seen):
        passed, beat = divmod(number, BEATS)
        assert op == (TcdmOp.LOAD if beat < BEATS // 2 else TcdmOp.STORE)
        assert addr == TINY.tcdm.bytes - DMA_BYTES + BEAT_BYTES * beat + 8 * 3
        assert (data, strobe) == (passed, 0xFF)


def test_lanes_have_words_of_their_own():
    dut = Traffic(config=TINY, number=0)
    seen = observe(dut, list(dut.bus), lambda *_: 1, 2 * BEATS)
    lanes = [{addr for _, _, addr, *_ in granted} for granted in seen[:DMA_LANES]]
    assert all(len(lane) == BEATS for lane in lanes)
    assert set.union(*lanes) == set(range(TINY.tcdm.bytes - DMA_BYTES, TINY.tcdm.bytes, 8))


def test_a_core_loads_anywhere_four_times_in_ten_cycles():
    dut = LoadingCore(config=TINY, number=9)
    cycles = 4000
    (seen,) = observe(dut, [dut.bus], lambda *_: 1, cycles)
    assert all(op == TcdmOp.LOAD for _, op, *_ in seen)
    assert abs(len(seen) - 0.4 * cycles) < 130
    quarters = np.bincount([addr * 4 // TINY.tcdm.bytes for _, _, addr, *_ in seen], minlength=4)
    assert quarters.min() > 0.8 * len(seen) / 4
    assert len({addr // 8 % TINY.tcdm.banks for _, _, addr, *_ in seen}) == TINY.tcdm.banks


def test_nobody_asks_unless_enabled():
    dut = Traffic(config=TINY, number=0)
    seen = observe(dut, list(dut.bus), lambda *_: 1, 60, lambda cycle: int(20 <= cycle < 30))
    cycles = {cycle for granted in seen for cycle, *_ in granted}
    assert cycles == set(range(21, 31))


@pytest.mark.parametrize("pauses", [(0, 0), (3, 0), (2, 7)], ids=str)
def test_counts_and_longest_waits(pauses):
    """Everybody of a kind is refused for as many cycles before each grant; one more by one."""
    dut = Traffic(config=TINY, number=0)
    waits = {name: [] for name in ("dma", "core")}
    told = {}
    since = [0] * len(dut.bus)

    async def bench(ctx):
        ctx.set(dut.enable, 1)
        for _ in range(300):
            for number, bus in enumerate(dut.bus):
                kind = int(number >= DMA_LANES)
                if not ctx.get(bus.req.valid):
                    ctx.set(bus.req.ready, 0)
                    continue
                pause = pauses[kind] + (number == 2)
                ctx.set(bus.req.ready, since[number] >= pause)
                if since[number] >= pause:
                    waits[("dma", "core")[kind]].append(since[number])
                    since[number] = 0
                else:
                    since[number] += 1
            await ctx.tick()
        for bus in dut.bus:
            ctx.set(bus.req.ready, 0)
        told["granted"] = (ctx.get(dut.dma_granted), ctx.get(dut.core_granted))
        told["wait"] = (ctx.get(dut.dma_wait), ctx.get(dut.core_wait))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert told["granted"] == (len(waits["dma"]), len(waits["core"]))
    assert told["wait"] == (max(waits["dma"]), max(waits["core"])) == (pauses[0] + 1, pauses[1])


def test_a_scratchpad_without_room_is_refused():
    config = dataclasses.replace(TINY, tcdm=TcdmConfig(banks=2, bank_bytes=2048))
    with pytest.raises(ValueError, match="4096 bytes, but the DMA's area 8192"):
        Traffic(config=config, number=0)


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_converts(config):
    text = to_verilog(Traffic(config=config, number=16), name="traffic")
    assert f"master_{DMA_LANES + config.workers - 1} " in text
