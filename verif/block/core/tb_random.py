"""Random programs on a CoreTop, every retired instruction compared with the model's.

Parameters come from the environment: PROGRAMS, LENGTH, SEED.
"""

import contextlib
import os
import random

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout

from sw_model.isa import Event, FlatMemory, Hart
from verif.lib.assembler import BASE
from verif.lib.core_top import TRACE_EVENTS
from verif.lib.lockstep import Lockstep, show
from verif.lib.ram_backdoor import RamBackdoor
from verif.lib.random_program import MEMORY_BYTES, RandomProgram

PROGRAMS = int(os.environ["PROGRAMS"])
LENGTH = int(os.environ["LENGTH"])
SEED = int(os.environ["SEED"])
PERIOD_NS = 10
LIMIT_CYCLES = 40 * TRACE_EVENTS
"""Of one program; they take up to 40 cycles an instruction with the most stalls."""


class Bench:
    """Runs programs, one after the other, on the design."""

    def __init__(self, dut):
        self.dut = dut
        self.memories = [RamBackdoor(f"{dut._name}.{name}") for name in ("code", "data")]
        self.traces = [RamBackdoor(f"{dut._name}.trace_{number}") for number in (0, 1)]

    async def run(self, program, *, stall, interrupts, seed):
        """Run a program; return its events, the memory afterwards and the cycles."""
        dut = self.dut
        dut.rst.value = 1
        dut.start.value = 0
        dut.seed.value = seed
        dut.stall.value = stall
        dut.interrupts.value = interrupts
        dut.last.value = program.end
        await ClockCycles(dut.clk, 2)
        for memory in self.memories:
            memory.write(np.frombuffer(program.data, np.uint32).tolist())
        dut.rst.value = 0
        await ClockCycles(dut.clk, 2)
        dut.start.value = 1
        with contextlib.suppress(SimTimeoutError):
            await with_timeout(RisingEdge(dut.done), LIMIT_CYCLES * PERIOD_NS, "ns")
        await ClockCycles(dut.clk, 2)
        count = int(dut.count.value)
        events = [
            Event(
                first & 0xFFFFFFFF,
                first >> 32,
                second >> 32 & 31,
                second & 0xFFFFFFFF,
                bool(second >> 37 & 1),
                bool(second >> 38 & 1),
                second >> 39 & 31,
            )
            for first, second in zip(*(trace.read(count) for trace in self.traces), strict=True)
        ]
        data = np.array(self.memories[1].read(MEMORY_BYTES // 4), np.uint32).tobytes()
        return events, data, int(dut.cycles.value)


@cocotb.test(timeout_time=PROGRAMS * LIMIT_CYCLES * PERIOD_NS, timeout_unit="ns")
async def random_programs(dut):
    """Registers, traps and memory are the model's, whatever the stalls and interrupts."""
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    bench = Bench(dut)
    rng = random.Random(SEED)
    total = cycles = traps = taken = 0
    for number in range(PROGRAMS):
        seed, interrupts = rng.getrandbits(32) | 1, number % 2
        program = RandomProgram(seed, LENGTH, interrupts=bool(interrupts))
        stall = rng.choice((0, 0, 40, 128, 220))
        events, data, spent = await bench.run(
            program, stall=stall, interrupts=interrupts, seed=seed
        )
        hart = Hart(FlatMemory(BASE, program.data), BASE)
        lockstep = Lockstep(hart)
        for event in events:
            lockstep.check(event)
        assert events[-1].pc == program.end, (
            f"program {number} (seed {seed}) does not end: {show(events[-1])}"
        )
        assert data == hart.memory.data, f"program {number} (seed {seed}): memory differs"
        total += len(events)
        cycles += spent
        traps += sum(event.trap for event in events)
        taken += sum(event.interrupt for event in events)
    dut._log.info(
        f"{total} events in {cycles} cycles, {traps} traps, {taken} of them interrupts: all equal"
    )
    assert traps > taken > 0
