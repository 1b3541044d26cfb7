"""DeviceBus: which register window answers, and what does not answer at all."""

from functools import partial

import pytest

from hw.cluster.device_bus import SHARED_BLOCKS, DeviceBus
from hw.config import DEVICE_BASE
from hw.presets import PAPER, TINY
from hw.regmap import BLOCKS, COUNTERS, DMA
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.buses import access, target
from verif.lib.streams import simulate


def run(bench, harts=2):
    """Run `bench(ctx, dut, seen)` with an answering device on every window."""
    dut = DeviceBus(harts=harts)
    seen = []

    def device(name):
        def answer(payload):
            seen.append((name, payload.addr, payload.write, payload.data, payload.strobe))
            return {"data": payload.addr + 1, "error": payload.addr == 0xFFC}

        return answer

    devices = [target(getattr(dut, b.name), device(b.name)) for b in SHARED_BLOCKS]
    simulate(dut, partial(bench, dut=dut, seen=seen), background=devices)


def test_every_window():
    """Each built device answers in its window, everything else with an error."""

    async def bench(ctx, dut, seen):
        for window in range(16):
            names = [b.name for b in SHARED_BLOCKS if b.offset == window << 12]
            for hart in range(2):
                for op in (TcdmOp.LOAD, TcdmOp.STORE):
                    seen.clear()
                    payload = {
                        "op": op,
                        "addr": DEVICE_BASE + (window << 12) + 0x24,
                        "data": 0x1000 + window,
                        "strobe": 15,
                    }
                    data, error, cycles = await access(ctx, dut.hart[hart], payload)
                    assert cycles == 1
                    if names:
                        write = op == TcdmOp.STORE
                        assert (data, error) == (0x25, 0)
                        assert seen == [(names[0], 0x24, write, 0x1000 + window, 15)]
                    else:
                        assert error == 1 and seen == []

    run(bench)


def test_devices_are_those_built():
    assert {block.name for block in SHARED_BLOCKS} == {"engine", "host"}
    assert not DMA.built and not COUNTERS.built
    assert len(BLOCKS) == 5


def test_no_response_without_a_request():
    async def bench(ctx, dut, seen):
        await access(ctx, dut.hart[0], {"op": TcdmOp.LOAD, "addr": DEVICE_BASE + DMA.offset})
        for _ in range(3):
            *_, valid, other = await ctx.tick().sample(*(hart.rsp.valid for hart in dut.hart))
            assert not valid and not other

    run(bench)


def test_errors_and_atomics():
    """A device's own error comes through; an atomic reaches no device."""

    async def bench(ctx, dut, seen):
        base = DEVICE_BASE + SHARED_BLOCKS[0].offset
        _, error, _ = await access(ctx, dut.hart[0], {"op": TcdmOp.LOAD, "addr": base + 0xFFC})
        assert error == 1 and len(seen) == 1
        _, error, _ = await access(ctx, dut.hart[0], {"op": TcdmOp.AMO_ADD, "addr": base})
        assert error == 1 and len(seen) == 1

    run(bench)


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_converts(config):
    assert "module devices" in to_verilog(DeviceBus(harts=config.harts), name="devices")
