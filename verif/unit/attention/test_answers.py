from collections import deque

import numpy as np
import pytest

from hw.attention.streams.answers import AnswerBuffer
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import Item, receive, send, simulate

TINY = find_config("tiny")
LATENCY = 5
TAG = range(32)


@pytest.mark.parametrize("depth", [2, 8])
@pytest.mark.parametrize("chance, taking", [(1, 1), (0.5, 1), (1, 0.4), (0.6, 0.6)])
def test_answers_in_order(depth, chance, taking):
    """Rows come with the tags of their commands, and never more than there is room for."""
    dut = AnswerBuffer(config=TINY, tag=TAG, depth=depth)
    rng = np.random.default_rng(depth)
    count = 300
    items = [
        Item({"command": {"word": 7 * n, "count": 1 + n % 2}, "tag": n % 32}) for n in range(count)
    ]
    inside = most = 0

    async def sender(ctx):
        await send(ctx, dut, dut.i, items, rng, chance)

    async def answer(ctx):
        nonlocal inside, most
        due, cycle = deque(), 0
        while True:
            ready = rng.random() < chance
            answered = bool(due) and due[0][0] <= cycle and rng.random() < chance
            ctx.set(dut.command.ready, ready)
            ctx.set(dut.row.valid, answered)
            if answered:
                ctx.set(dut.row.data, due.popleft()[1] * 5)
            *_, valid, word, words, out = await ctx.tick().sample(
                dut.command.valid,
                dut.command.payload.word,
                dut.command.payload.count,
                dut.o.valid & dut.o.ready,
            )
            if valid and ready:
                assert words == 1 + word // 7 % 2
                due.append((cycle + LATENCY, word))
            inside += (valid and ready) - out
            most = max(most, inside)
            assert 0 <= inside <= depth
            cycle += 1

    async def taker(ctx):
        rows = await receive(ctx, dut.o, count, rng, taking)
        for n, row in enumerate(rows):
            assert (row.data, row.tag) == (35 * n, n % 32)

    cycles = simulate(dut, sender, taker, background=(answer,))
    assert most == depth or taking == 1
    if chance == taking == 1 and depth > LATENCY:
        assert cycles <= count + LATENCY + 2, "a row a cycle, none held up in an empty buffer"


def test_full_rate_after_a_stop():
    """Rows that waited follow each other without a gap, and so do the ones behind them."""
    dut = AnswerBuffer(config=TINY, tag=1, depth=8)
    rows, taken = 40, []

    async def ask(ctx):
        due, asked = deque([None] * (LATENCY - 1)), 0
        ctx.set(dut.command.ready, 1)
        while True:
            ctx.set(dut.i.valid, asked < rows)
            ctx.set(dut.i.payload.command.word, asked)
            *_, valid, word = await ctx.tick().sample(dut.command.valid, dut.command.payload.word)
            asked += valid
            due.append(word if valid else None)
            row = due.popleft()
            ctx.set(dut.row.valid, row is not None)
            ctx.set(dut.row.data, row or 0)

    async def take(ctx):
        await ctx.tick().repeat(30)
        ctx.set(dut.o.ready, 1)
        while len(taken) < rows:
            *_, valid, row = await ctx.tick().sample(dut.o.valid, dut.o.payload.data)
            taken.append(row if valid else None)

    simulate(dut, take, background=(ask,))
    assert taken == list(range(rows))


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    dut = AnswerBuffer(config=find_config(name), tag=TAG, depth=4)
    assert "module answers" in to_verilog(dut, name="answers")
