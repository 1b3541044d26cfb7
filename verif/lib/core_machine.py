"""A core in Amaranth's simulator on a memory in Python, with random stalls."""

import contextlib
import random
from collections.abc import Callable
from typing import TextIO

from amaranth.sim import Simulator

from hw.tcdm.bus import TcdmOp
from sw_model.isa import AccessFault, Event, FlatMemory
from verif.lib.assembler import BASE

MEMORY_BYTES = 1 << 16


class CoreMachine:
    """Runs one program on a core.

    Parameters
    ----------
    core
        A `Core` with its `retire` port.
    program
        Contents of memory from `BASE` on.
    stalls
        Probability that a request is refused in a cycle, and that a data response waits one more.
        With any, the responses' fields are random when nothing is valid; else they stay 0.
    seed
        Of the stalls.
    interrupts
        Function of (cycle, machine) that gives the interrupt levels, as in `mip`.
    observe
        Called with every event as it comes; may raise.
    memory
        Replaces the flat memory; has its methods.

    Attributes
    ----------
    events : list of (int, Event)
        What retired, and in which cycle.
    memory : FlatMemory
    interrupted : int
        Interrupts taken so far.
    sleeping : bool
        The core's output in this cycle.
    """

    def __init__(
        self,
        core,
        program: bytes,
        *,
        stalls: float = 0.0,
        seed: int = 0,
        interrupts: Callable[[int, "CoreMachine"], int] | None = None,
        observe: Callable[[Event], None] | None = None,
        hart_id: int = 0,
        boot_address: int = BASE,
        memory: FlatMemory | None = None,
    ):
        self.core = core
        self.memory = memory or FlatMemory(BASE, program.ljust(MEMORY_BYTES, b"\0"))
        self.events: list[tuple[int, Event]] = []
        self.interrupted = 0
        self.sleeping = False
        self._stalls = stalls
        self._random = random.Random(seed)
        self._interrupts = interrupts
        self._observe = observe
        self._hart_id = hart_id
        self._boot_address = boot_address

    def run(
        self,
        *,
        until: int | None = None,
        events: int | None = None,
        cycles: int = 20000,
        waves: TextIO | None = None,
    ) -> list[Event]:
        """Run until the instruction at `until` retires, or for a number of events.

        Parameters
        ----------
        until, events
            When to stop; one of them.
        cycles
            Limit.
        waves
            Where to write a VCD; a cycle takes a microsecond.

        Returns
        -------
        list of Event

        Raises
        ------
        AssertionError
            When it takes more than `cycles` cycles, or the core breaks a rule of its buses.
        """
        simulator = Simulator(self.core)
        simulator.add_clock(1e-6)
        finished = False

        async def bench(ctx):
            nonlocal finished
            finished = await self._bench(ctx, until, events, cycles)

        simulator.add_testbench(bench)
        with simulator.write_vcd(waves) if waves else contextlib.nullcontext():
            simulator.run()
        assert finished, f"not finished after {cycles} cycles; last: {self.events[-3:]}"
        return [event for _, event in self.events]

    async def _bench(self, ctx, until, count, cycles):
        core, chance = self.core, self._random.random
        fetch, data, retire, levels = core.fetch, core.data, core.retire, core.interrupts
        ctx.set(core.hart_id, self._hart_id)
        ctx.set(core.boot_address, self._boot_address)
        ctx.set(core.start, 1)
        waiting = None  # response of the outstanding data request
        offered = None  # data request that was refused, to be repeated
        fields = [retire.pc, retire.insn, retire.rd, retire.rd_data]
        fields += [retire.trap, retire.interrupt, retire.cause]
        for cycle in range(cycles):
            fetch_ready = chance() >= self._stalls
            data_ready = chance() >= self._stalls
            answer = waiting is not None and chance() >= self._stalls
            ctx.set(fetch.req.ready, fetch_ready)
            ctx.set(data.req.ready, data_ready)
            ctx.set(data.rsp.valid, answer)
            word, error = waiting if answer else self._noise()
            ctx.set(data.rsp.data, word)
            ctx.set(data.rsp.error, error)
            if self._interrupts:
                mip = self._interrupts(cycle, self)
                ctx.set(levels.software, mip >> 3 & 1)
                ctx.set(levels.timer, mip >> 7 & 1)
                ctx.set(levels.external, mip >> 11 & 1)
            if ctx.get(retire.valid):
                pc, insn, rd, rd_data, trap, interrupt, cause = (ctx.get(f) for f in fields)
                event = Event(pc, insn, rd, rd_data, bool(trap), bool(interrupt), cause)
                self.events.append((cycle, event))
                self.interrupted += event.interrupt
                if self._observe:
                    self._observe(event)
                if len(self.events) == count or (pc == until and not trap):
                    return True
            self.sleeping = bool(ctx.get(core.sleeping))
            request = None
            if ctx.get(data.req.valid):
                assert waiting is None or answer, "a second data request is outstanding"
                payload = ctx.get(data.req.payload)
                request = (payload.op, payload.addr, payload.data, payload.strobe)
            assert offered is None or request == offered, f"request {offered} became {request}"
            offered = None if data_ready else request
            if answer:
                waiting = None
            if request and data_ready:
                waiting = self._access(*request)
            fetched = None
            if ctx.get(fetch.req.valid) and fetch_ready:
                fetched = self._fetch(ctx.get(fetch.req.payload))
            await ctx.tick()
            ctx.set(fetch.rsp.valid, fetched is not None)
            word, error = fetched or self._noise()
            ctx.set(fetch.rsp.data, word)
            ctx.set(fetch.rsp.error, error)
        return False

    def _noise(self):
        if not self._stalls:
            return 0, 0
        return self._random.getrandbits(32), self._random.random() < 0.5

    def _fetch(self, address):
        assert address % 4 == 0, f"fetch from {address:#x}"
        try:
            return self.memory.fetch(address), 0
        except AccessFault:
            return self._random.getrandbits(32), 1

    def _access(self, op, address, data, strobe):
        lanes = [lane for lane in range(4) if strobe >> lane & 1]
        size = len(lanes)
        right = strobe == (1 << size) - 1 << address % 4 and size in (1, 2, 4)
        assert right and address % size == 0, f"strobes {strobe:04b} at {address:#x}"
        try:
            if op == TcdmOp.STORE:
                self.memory.store(address, size, data >> 8 * lanes[0])
                return self._random.getrandbits(32), 0
            assert op == TcdmOp.LOAD, f"operation {op}"
            self.memory.load(address, size)
            return self.memory.load(address & ~3, 4), 0
        except AccessFault:
            return self._random.getrandbits(32), 1
