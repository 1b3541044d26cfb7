"""A memory behind a loader's row commands, in Amaranth's simulator."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

POSITIONS = 1 << 24


def is_reached(position: int, performed: int) -> bool:
    """Whether the writes before `position` are among those before `performed`, modulo 2^24."""
    return (performed - position) % POSITIONS < POSITIONS // 2


@dataclass
class Asked:
    """A command that was taken: in which cycle, and what was performed in that cycle."""

    cycle: int
    word: int
    count: int
    performed: int


@dataclass
class RowMemory:
    """Answers `dut.command` at `dut.row` in order, and moves `dut.performed` on.

    Each cycle a command is taken and an answer given with probability `chance`; an answer comes
    `latency` cycles after its command or later. Words beyond those asked for are random.
    `performed` starts at `position` and grows by one with probability `pace` a cycle, up to
    `limit`.
    """

    dut: object
    words: np.ndarray
    """The memory, uint64; addresses wrap."""

    row_words: int
    rng: np.random.Generator
    chance: float = 1.0
    latency: int = 5
    position: int = 0
    pace: float = 0.0
    limit: int = POSITIONS
    asked: list[Asked] = field(default_factory=list)
    held_back: int = 0
    """Cycles in which `dut.waiting` was high."""

    cycle: int = 0

    def row(self, word: int, count: int) -> int:
        """Return an answer's bits."""
        row = self.rng.integers(0, 1 << 64, self.row_words, dtype=np.uint64)
        row[:count] = self.words[(word + np.arange(count)) % len(self.words)]
        return int.from_bytes(row.tobytes(), "little")

    async def serve(self, ctx) -> None:
        """Run for ever: a background testbench."""
        dut, due = self.dut, deque()
        command = dut.command.payload
        performed, grown = self.position % POSITIONS, 0
        while True:
            ready = self.rng.random() < self.chance
            answered = bool(due) and due[0][0] <= self.cycle and self.rng.random() < self.chance
            ctx.set(dut.performed, performed)
            ctx.set(dut.command.ready, ready)
            ctx.set(dut.row.valid, answered)
            if answered:
                ctx.set(dut.row.data, due.popleft()[1])
            *_, valid, word, count, waiting = await ctx.tick().sample(
                dut.command.valid, command.word, command.count, dut.waiting
            )
            assert not (valid and waiting), "asked for what waits"
            self.held_back += waiting
            if valid and ready:
                assert 1 <= count <= self.row_words
                self.asked.append(Asked(self.cycle, word, count, performed))
                due.append((self.cycle + self.latency, self.row(word, count)))
            if grown < self.limit and self.rng.random() < self.pace:
                performed, grown = (performed + 1) % POSITIONS, grown + 1
            self.cycle += 1
