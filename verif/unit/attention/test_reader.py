from collections import deque

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import RowAnswer, RowCommand
from hw.attention.streams.port import Port
from hw.attention.streams.reader import RowReader
from hw.presets import PAPER, TINY
from hw.tcdm.bus import TcdmSignature
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import simulate

CLIENTS = 3
LATENCY = 4
"""Cycles of one row: its command, the bus, the response, the row."""


def content(word):
    return word * 0x9E37_79B9_7F4A_7C15 % (1 << 64)


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
@pytest.mark.parametrize("chance", [1, 0.5])
def test_rows_come_back_in_order(config, chance):
    """Ports take reads and answer them at random, each at its own pace."""
    dut = RowReader(config=config, clients=CLIENTS)
    words = config.engine.row_words
    depth = config.tcdm.bytes // 8
    rng = np.random.default_rng(1)
    commands = [
        [
            {"word": int(rng.integers(depth)), "count": int(rng.integers(1, words + 1))}
            for _ in range(60)
        ]
        for _ in range(CLIENTS)
    ]
    ended = []

    def port(number):
        async def run(ctx):
            waiting = deque()
            asked = ready = False
            read, data = dut.read[number], dut.data[number]
            while len(ended) < CLIENTS:
                # Like a queue with room: ready until something comes.
                ready = (ready and not asked) or rng.random() < chance
                offered = bool(waiting) and (rng.random() < chance or ctx.get(data.valid))
                ctx.set(read.ready, ready)
                ctx.set(data.valid, offered)
                ctx.set(data.payload, content(waiting[0]) if offered else 0)
                *_, asked, word, taken = await ctx.tick().sample(
                    read.valid, read.payload, data.ready
                )
                if offered and taken:
                    waiting.popleft()
                if asked and ready:
                    waiting.append(word)

        return run

    def asker(number):
        async def run(ctx):
            stream = dut.command[number]
            for command in commands[number]:
                while rng.random() > chance:
                    await ctx.tick()
                ctx.set(stream.payload, stream.payload.shape().const(command))
                ctx.set(stream.valid, 1)
                await ctx.tick().until(stream.ready)
                ctx.set(stream.valid, 0)

        return run

    def taker(number):
        async def run(ctx):
            row = dut.row[number]
            for command in commands[number]:
                (got,) = await ctx.tick().sample(row.data).until(row.valid)
                for n in range(command["count"]):
                    want = content((command["word"] + n) % depth)
                    assert got >> 64 * n & (1 << 64) - 1 == want
            ended.append(number)

        return run

    benches = [port(n) for n in range(words)]
    for n in range(CLIENTS):
        benches += [asker(n), taker(n)]
    cycles = simulate(dut, *benches)
    if chance == 1:
        assert cycles <= 60 * CLIENTS + 12, "a row a cycle"


class ReaderOnPorts(wiring.Component):
    """A reader with one client, and its ports."""

    def __init__(self, config):
        self.config = config
        bus = TcdmSignature(addr_width=config.tcdm.addr_width)
        super().__init__(
            {
                "command": In(stream.Signature(RowCommand(config))),
                "row": Out(RowAnswer(config)),
                "bus": Out(bus).array(config.engine.row_words),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.reader = reader = RowReader(config=self.config, clients=1)
        wiring.connect(m, wiring.flipped(self.command), reader.command[0])
        wiring.connect(m, reader.row[0], wiring.flipped(self.row))
        for number, bus in enumerate(self.bus):
            port = m.submodules[f"port_{number}"] = Port(config=self.config)
            wiring.connect(m, reader.read[number], port.read)
            wiring.connect(m, port.data, reader.data[number])
            wiring.connect(m, port.bus, wiring.flipped(bus))
        return m


def rows_on_ports(config, counts, chance, seed=0):
    """Read rows of `counts` words over ports that are granted at random; return the cycles."""
    dut = ReaderOnPorts(config)
    rng = np.random.default_rng(seed)
    commands = [(int(rng.integers(config.tcdm.bytes // 8)), count) for count in counts]

    async def memory(ctx):
        wanted = [s for bus in dut.bus for s in (bus.req.valid, bus.req.payload.addr)]
        while True:
            ready = [bool(rng.random() < chance) for _ in dut.bus]
            for bus, value in zip(dut.bus, ready, strict=True):
                ctx.set(bus.req.ready, value)
            _, _, *values = await ctx.tick().sample(*wanted)
            for number, bus in enumerate(dut.bus):
                granted = values[2 * number] and ready[number]
                ctx.set(bus.rsp.valid, granted)
                ctx.set(bus.rsp.data, content(values[2 * number + 1] // 8))

    async def asker(ctx):
        for word, count in commands:
            payload = dut.command.payload.shape().const({"word": word, "count": count})
            ctx.set(dut.command.payload, payload)
            ctx.set(dut.command.valid, 1)
            await ctx.tick().until(dut.command.ready)
        ctx.set(dut.command.valid, 0)

    async def taker(ctx):
        for word, count in commands:
            (got,) = await ctx.tick().sample(dut.row.data).until(dut.row.valid)
            for n in range(count):
                want = content((word + n) % (config.tcdm.bytes // 8))
                assert got >> 64 * n & (1 << 64) - 1 == want

    return simulate(dut, asker, taker, background=[memory])


@pytest.mark.parametrize("name", ["tiny", "half"])
def test_latency(name):
    """Command, bus, response, row."""
    config = find_config(name)
    assert rows_on_ports(config, [config.engine.row_words], 1) == LATENCY


@pytest.mark.parametrize("name", ["tiny", "half", "paper"])
def test_uses_what_ports_grant(name):
    """Rows of any length come as fast as the ports are granted, or nearly so."""
    config = find_config(name)
    words = config.engine.row_words
    assert rows_on_ports(config, [words] * 200, 1) <= 200 + LATENCY
    assert rows_on_ports(config, [1] * 200, 1) <= 200 + LATENCY
    assert rows_on_ports(config, [words] * 400, 0.5) <= 400 / 0.5 * 1.15


def test_short_rows_use_all_ports():
    """Rows of one word, each through another port: half of the grants do for nearly all rows."""
    config = find_config("paper")
    assert rows_on_ports(config, [1] * 400, 0.5) <= 400 * 1.1


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
@pytest.mark.parametrize("clients", [1, 3])
def test_converts(name, clients):
    reader = RowReader(config=find_config(name), clients=clients)
    assert "module reader" in to_verilog(reader, name="reader")
