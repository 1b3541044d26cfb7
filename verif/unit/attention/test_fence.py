"""The fence against ports that perform their writes in order, each at its own pace."""

from collections import deque

import numpy as np
import pytest

from hw.attention.steps import POSITION_BITS
from hw.attention.streams.fence import WORD_COUNT_BITS, WriteFence
from hw.attention.streams.port import WRITES_WAITING
from hw.verilog import to_verilog
from verif.formal.harness import mutated
from verif.lib.configs import find_config
from verif.lib.streams import simulate

START = (1 << POSITION_BITS) - 60  # positions wrap soon
ROWS = 400


def run(dut, config, chance, seed=0):
    """Hand rows and single words to ports; check the fence each cycle; return its mean lag.

    The lag of a row: cycles from when all of it and of the rows before was performed until
    `done` says so.
    """
    rng = np.random.default_rng(seed)
    ports = [deque() for _ in range(config.ports)]  # of (kind, number), oldest first
    lags = []

    async def bench(ctx):
        issued = {"row": 0, "word": 0}
        missing = 0  # words of the row under way
        performed_at = {"row": [], "word": []}  # cycle in which each was, and all before it
        told = {"row": 0, "word": 0}
        cycle = 0
        while told["row"] < ROWS:
            ctx.set(dut.issued, (START + issued["row"]) % (1 << POSITION_BITS))
            ctx.set(dut.words, issued["word"] % (1 << WORD_COUNT_BITS))
            pulses = []
            for port, queue in enumerate(ports):
                ctx.set(dut.pending[port], len(queue))
                pulses.append(bool(queue) and rng.random() < chance)
                ctx.set(dut.performed[port], pulses[-1])
            assert ctx.get(dut.idle) == (not any(ports))
            for queue, pulse in zip(ports, pulses, strict=True):
                if pulse:
                    queue.popleft()
            waiting = {"row": issued["row"], "word": issued["word"]}
            for queue in ports:
                for kind, number in queue:
                    waiting[kind] = min(waiting[kind], number)
            await ctx.tick()
            cycle += 1
            for kind, limit in waiting.items():
                performed_at[kind] += [cycle] * (limit - len(performed_at[kind]))
            done = (ctx.get(dut.done) - START) % (1 << POSITION_BITS)
            words_done = (ctx.get(dut.words_done) - told["word"]) % (1 << WORD_COUNT_BITS)
            if cycle > 1:  # it starts at 0
                for kind, value in (("row", done), ("word", told["word"] + words_done)):
                    assert told[kind] <= value <= waiting[kind], "it runs ahead"
                    if kind == "row":
                        lags.extend(cycle - at for at in performed_at[kind][told[kind] : value])
                    told[kind] = value
            if not any(ports):
                assert told == waiting, "nothing is pending, so everything is done"
            # Hand words to ports with room: a single word, or some of a row.
            with_room = [port for port in ports if len(port) < WRITES_WAITING + 1]
            rng.shuffle(with_room)
            if rng.random() < 0.1 and with_room and issued["word"] - told["word"] < 7:
                with_room.pop().append(("word", issued["word"]))
                issued["word"] += 1
            if issued["row"] < ROWS and rng.random() < 0.8:
                missing = missing or int(rng.integers(1, config.ports + 1))
                while missing and with_room:
                    with_room.pop().append(("row", issued["row"]))
                    missing -= 1
                issued["row"] += missing == 0

    simulate(dut, bench)
    return np.mean(lags)


@pytest.mark.parametrize("name", ["tiny", "half", "paper"])
@pytest.mark.parametrize("chance", [1, 0.5, 0.2])
def test_never_ahead_and_never_late(name, chance):
    config = find_config(name).engine
    lag = run(WriteFence(config=config), config, chance)
    if chance == 1:
        assert lag == 0


def test_the_slowest_port_counts():
    """Newer writes of other ports, performed in between, are not taken for the noted ones."""
    config = find_config("tiny").engine
    dut = WriteFence(config=config)

    async def bench(ctx):
        ctx.set(dut.issued, 1)
        ctx.set(dut.pending[0], 1)
        for position in range(2, 10):
            ctx.set(dut.pending[1], 1)
            ctx.set(dut.performed[1], 1)
            await ctx.tick()
            assert ctx.get(dut.done) == 0 and not ctx.get(dut.idle)
            ctx.set(dut.issued, position)
        ctx.set(dut.performed[0], 1)
        await ctx.tick()
        assert ctx.get(dut.done) == 9

    simulate(dut, bench)


@pytest.mark.parametrize(
    "old, new",
    [
        ("left.eq(self.pending[port] - performed)", "left.eq(0)"),
        ("(left != 0) & ~((left == 1) & performed)", "(left != 0) & ~performed"),
        ("noted_done.eq(~Cat(rest).any())", "noted_done.eq(~Cat(rest).all())"),
    ],
)
def test_planted(old, new):
    config = find_config("tiny").engine
    with pytest.raises(AssertionError, match="runs ahead"):
        run(mutated(WriteFence, old, new)(config=config), config, 0.5)


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    fence = WriteFence(config=find_config(name).engine)
    assert "module fence" in to_verilog(fence, name="fence")
