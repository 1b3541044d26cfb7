"""Bank: loads, strobed stores, atomics and the cycle that they take more."""

import random

from amaranth.sim import Simulator

from hw.presets import PAPER, TINY
from hw.tcdm.bank import Bank, BankSignature
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.tcdm_atomics import AMOS, amo


def test_random_requests():
    """Reads answer one cycle later; stores write strobed bytes; AMOs half a word, and are busy."""
    config = TINY.tcdm
    dut = Bank(config=config)
    rng = random.Random(2)
    rows = rng.sample(range(config.bank_depth), 12)
    words = dict.fromkeys(rows, 0)

    async def bench(ctx):
        expected = None
        busy = False
        for _ in range(2500):
            assert ctx.get(dut.port.busy) == busy
            valid = rng.random() < 0.8 and not busy
            op = rng.choice([TcdmOp.LOAD, TcdmOp.STORE, TcdmOp.STORE, *TcdmOp])
            row, data, strobe = rng.choice(rows), rng.getrandbits(64), rng.getrandbits(8)
            if op in AMOS:
                strobe = rng.choice((0x0F, 0xF0))
            ctx.set(dut.port.valid, valid)
            ctx.set(dut.port.request, {"op": op, "row": row, "data": data, "strobe": strobe})
            await ctx.tick()
            busy = valid and op in AMOS
            if valid and op is not TcdmOp.STORE:
                expected = words[row]
            if busy:
                shift, ones = (32 if strobe == 0xF0 else 0), (1 << 32) - 1
                data = amo(op, words[row] >> shift & ones, data >> shift & ones) << shift
            if valid and (op is TcdmOp.STORE or busy):
                mask = sum(0xFF << 8 * lane for lane in range(8) if strobe >> lane & 1)
                words[row] = words[row] & ~mask | data & mask
            if expected is not None:
                assert ctx.get(dut.port.rdata) == expected
        ctx.set(dut.port.valid, 0)
        await ctx.tick()
        assert {row: ctx.get(dut.ram.data[row]) for row in rows} == words

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_signatures_compare_by_configuration():
    assert BankSignature(TINY.tcdm) == BankSignature(TINY.tcdm)
    assert BankSignature(TINY.tcdm) != BankSignature(PAPER.tcdm)
    assert "banks=8" in repr(BankSignature(TINY.tcdm))


def test_converts():
    for preset in (TINY, PAPER):
        text = to_verilog(Bank(config=preset.tcdm), name="top")
        assert f".DEPTH(32'd{preset.tcdm.bank_depth})" in text
