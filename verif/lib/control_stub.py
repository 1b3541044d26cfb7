"""What surrounds the engine's control, for its tests: memory, and a pipeline that only waits."""

from collections import deque

import numpy as np
from amaranth.hdl import Value
from amaranth.sim import Simulator

from hw.attention.control.control import Control
from hw.config import TCDM_BASE
from hw.regmap import DESCRIPTOR, Status
from verif.lib.engine_jobs import Image

READ_LATENCY = 5


class Stub:
    """A pipeline that reads and writes memory for the control, and takes its time for jobs.

    Parameters
    ----------
    image : Image
        Memory. Reads are answered from what it holds when they are asked for.
    cut, work : int
        Cycles that a job takes to be cut into steps, and then until its first write.
    chance : float
        Of a command to be taken, an answer to be there, a write to be performed, in a cycle.
    position : int
        Where outputs begin to be counted.
    lie : int
        So many more writes are said to be performed than are.
    """

    def __init__(
        self, image: Image, *, cut=6, work=12, chance=0.7, seed=0, position=0, lie=0
    ) -> None:
        self.dut = Control(config=image.config)
        self.image = image
        self.events, self.started, self.ended_at = [], [], []
        self.statuses, self.cycles = {}, {}
        self.hold = False
        self.now = 0
        self.cut, self.work, self._chance = cut, work, chance
        self._rng = np.random.default_rng(seed)
        self._lie = lie
        self._forget()
        self._position = self._performed = position

    def _forget(self) -> None:
        self._answers, self._writes, self._words = deque(), deque(), deque()
        self._due = []  # positions of the jobs that run
        self._cutting = 0
        self._position = self._performed = self._words_done = 0

    def _lucky(self) -> bool:
        return self._rng.random() < self._chance

    async def _surroundings(self, ctx) -> None:
        dut, row_bytes = self.dut, 8 * self.image.config.engine.row_words
        quiet_in = 0
        command, word, job = dut.command, dut.word, dut.job
        refused = {}
        while True:
            ctx.set(command.ready, self._lucky())
            ctx.set(word.ready, self._lucky())
            ctx.set(job.ready, self._cutting == 0 and not self.hold)
            answered = self._answers and self._answers[0][0] <= self.now and self._lucky()
            ctx.set(dut.row.valid, bool(answered))
            if answered:
                ctx.set(dut.row.data, int.from_bytes(self._answers.popleft()[1], "little"))
            self._cutting = max(self._cutting - 1, 0)
            ctx.set(dut.ended.valid, self._cutting == 1)
            ctx.set(dut.ended.position, self._position)
            if self._writes and self._writes[0] <= self.now and self._lucky():
                self._writes.popleft()
                self._performed = (self._performed + 1) % (1 << 24)
            if self._words and self._words[0] <= self.now:
                self._words.popleft()
                self._words_done = (self._words_done + 1) % 8
            ctx.set(dut.performed, (self._performed + self._lie) % (1 << 24))
            ctx.set(dut.words_done, self._words_done)
            ctx.set(dut.quiet, quiet_in == 0)
            reset = ctx.get(dut.reset)
            took = {}
            for name, port in (("command", command), ("word", word), ("job", job)):
                valid = ctx.get(port.valid)
                payload = ctx.get(Value.cast(port.payload)) if valid else None
                if name in refused and not reset:
                    assert valid and payload == refused[name], f"{name} did not stay"
                refused.pop(name, None)
                ready = ctx.get(port.ready)
                took[name] = valid and ready and not reset
                if valid and not ready and not reset:
                    refused[name] = payload
                if name == "job" and valid:
                    raw_job = payload.to_bytes(DESCRIPTOR.bytes, "little")
            if took["command"]:
                at = ctx.get(command.payload.word)
                raw = self.image.bytes[8 * at : 8 * at + row_bytes].ljust(row_bytes, b"?")
                self._answers.append((self.now + READ_LATENCY, raw))
            if took["job"]:
                self.started.append(raw_job)
                outputs = int(self._rng.integers(1, 6))
                self._position = (self._position + outputs) % (1 << 24)
                self._due.append(self._position)
                self._writes.extend([self.now + self.cut + self.work] * outputs)
                self._cutting = self.cut + 1
            if took["word"]:
                assert ctx.get(word.payload.strobe) == 0xFF
                value = ctx.get(word.payload.data)
                place = TCDM_BASE + 8 * ctx.get(word.payload.word)
                self.statuses[place] = Status(value & 0xFFFFFFFF)
                self.cycles[place] = value >> 32
                self._words.append(self.now + int(self._rng.integers(2, 5)))
                if self.statuses[place] == Status.DONE:
                    self._check_done()
            if ctx.get(dut.event.valid):
                assert not self._words, "the event came before the status word was performed"
                self.events.append(ctx.get(dut.event.mask))
                self.ended_at.append(self.now)
            if reset:
                self._forget()
            quiet_in = max(quiet_in - 1, 0) if reset else 3
            await ctx.tick()
            self.now += 1

    def _check_done(self) -> None:
        """A job may be called done when its own writes are performed, and those before."""
        behind = (self._due.pop(0) - self._performed) % (1 << 24)
        assert behind == 0 or behind >= 1 << 23, "done before its writes were performed"

    async def ring(self, ctx, address: int) -> None:
        """Write to the doorbell."""
        ctx.set(self.dut.doorbell_data, address)
        ctx.set(self.dut.doorbell, 1)
        await ctx.tick()
        ctx.set(self.dut.doorbell, 0)

    async def clear(self, ctx) -> None:
        """Write to the clear register."""
        ctx.set(self.dut.clear, 1)
        await ctx.tick()
        ctx.set(self.dut.clear, 0)

    async def settle(self, ctx, cycles: int = 2000) -> int:
        """Wait until nothing runs and waits; return the cycles that took."""
        for cycle in range(cycles):
            if not ctx.get(self.dut.busy):
                return cycle
            await ctx.tick()
        raise AssertionError(f"busy for {cycles} cycles")

    def run(self, testbench) -> None:
        """Run a testbench, and the surroundings beside it."""
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._surroundings, background=True)
        simulator.add_testbench(testbench)
        simulator.run()
