"""A core in Amaranth's simulator on memories in Python, with random stalls."""

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from typing import TextIO

from amaranth.sim import Simulator

from hw.config import TCDM_BASE, ClusterConfig, CoreConfig
from hw.core.core import Core
from hw.presets import TINY
from hw.tcdm.bus import TcdmOp
from sw_model.isa import AccessFault, FlatMemory, Hart, MemoryMap, Reservations, Retired
from sw_model.isa.atomics import OPERATIONS
from verif.lib.assembler import BASE
from verif.lib.core_check import Check

MEMORY_BYTES = 1 << 16
TRACE_DEPTH = 8
"""Smaller than a simulation top's: Amaranth's simulator computes every place in every cycle."""

_AMOS = {
    op: OPERATIONS[f"{op.name.replace('_', '').lower()}.w"][1] for op in TcdmOp if "AMO" in op.name
}


def configuration(*groups: str) -> ClusterConfig:
    """The cluster that a core with these extensions (all without any) belongs to in tests."""
    core = CoreConfig.of(*groups) if groups else CoreConfig()
    return replace(TINY, core=core)


class CoreMachine:
    """Runs one program on a core.

    Main memory is `MEMORY_BYTES` from `BASE` on, TCDM that of `config`; both start with the
    contents given, and the golden model gets memories of its own.

    Parameters
    ----------
    program
        Contents of main memory.
    data
        Contents of TCDM.
    config
        Cluster of the core; all extensions by default.
    core
        A core to use in place of a new one.
    stalls
        Probability that a request is refused in a cycle, and that a data response waits one more.
        With any, the responses' fields are random when nothing is valid; else they stay 0.
    seed
        Of the stalls.
    interrupts
        Function of (cycle, machine) that gives the interrupt levels, as in `mip`.

    Attributes
    ----------
    records : list of (int, Retired)
        What retired, and in which cycle.
    memory, tcdm : FlatMemory
    hart : Hart
        The golden model, which has followed the core.
    interrupted : int
        Interrupts taken so far.
    sleeping : bool
        The core's output in this cycle.
    """

    def __init__(
        self,
        program: bytes,
        *,
        data: bytes = b"",
        config: ClusterConfig | None = None,
        core: Core | None = None,
        stalls: float = 0.0,
        seed: int = 0,
        interrupts: Callable[[int, "CoreMachine"], int] | None = None,
        hart_id: int = 0,
        boot_address: int = BASE,
    ):
        self.config = config or configuration()
        self.core = core or Core(config=self.config, rvfi=True, trace_depth=TRACE_DEPTH)
        program = bytes(program).ljust(MEMORY_BYTES, b"\0")
        data = bytes(data).ljust(self.config.tcdm.bytes, b"\0")
        self.memory = FlatMemory(BASE, program)
        self.tcdm = FlatMemory(TCDM_BASE, data)
        self._map = MemoryMap(self.memory, self.tcdm)
        self._reservations = Reservations()
        model = MemoryMap(FlatMemory(BASE, program), FlatMemory(TCDM_BASE, data))
        self.hart = Hart(model, boot_address, hart_id, core=self.config.core)
        self._check = Check(self.hart)
        self.records: list[tuple[int, Retired]] = []
        self.interrupted = 0
        self.sleeping = False
        self._accessed = 0  # the time of the last access
        self._stalls = stalls
        self._random = random.Random(seed)
        self._interrupts = interrupts
        self._hart_id = hart_id
        self._boot_address = boot_address

    def run(
        self,
        *,
        until: int | None = None,
        records: int | None = None,
        cycles: int = 20000,
        waves: TextIO | None = None,
    ) -> list[Retired]:
        """Run until the instruction at `until` retires, or for a number of records.

        Every record is compared with the golden model, and both memories at the end.

        Parameters
        ----------
        until, records
            When to stop; one of them.
        cycles
            Limit.
        waves
            Where to write a VCD; a cycle takes a microsecond.

        Returns
        -------
        list of Retired

        Raises
        ------
        AssertionError
            When it takes more than `cycles` cycles, the core breaks a rule of its buses, or the
            model does something else.
        """
        simulator = Simulator(self.core)
        simulator.add_clock(1e-6)
        finished = False

        async def bench(ctx):
            nonlocal finished
            finished = await self._bench(ctx, until, records, cycles)

        simulator.add_testbench(bench)
        with simulator.write_vcd(waves) if waves else contextlib.nullcontext():
            simulator.run()
        assert finished, f"not finished after {cycles} cycles; last: {self.records[-3:]}"
        for memory, model in zip(self._map.regions, self.hart.memory.regions, strict=True):
            assert memory.data == model.data, f"memory at {memory.base:#010x} differs"
        return [record for _, record in self.records]

    async def _bench(self, ctx, until, count, cycles):
        core, chance = self.core, self._random.random
        fetch, data, tcdm, levels = core.fetch, core.data, core.tcdm, core.interrupts
        ctx.set(core.hart_id, self._hart_id)
        ctx.set(core.boot_address, self._boot_address)
        ctx.set(core.start, 1)
        waiting = None  # response of the outstanding data request
        offered = {}  # requests that were refused, to be repeated
        for cycle in range(cycles):
            ready = {port: chance() >= self._stalls for port in ("fetch", "data", "tcdm")}
            answer = waiting is not None and chance() >= self._stalls
            ctx.set(fetch.req.ready, ready["fetch"])
            ctx.set(data.req.ready, ready["data"])
            ctx.set(tcdm.req.ready, ready["tcdm"])
            ctx.set(data.rsp.valid, answer)
            word, error = waiting if answer else self._noise()
            ctx.set(data.rsp.data, word)
            ctx.set(data.rsp.error, error)
            if self._interrupts:
                mip = self._interrupts(cycle, self)
                ctx.set(levels.software, mip >> 3 & 1)
                ctx.set(levels.timer, mip >> 7 & 1)
                ctx.set(levels.external, mip >> 11 & 1)
            if ctx.get(core.rvfi.valid):
                record = self._record(ctx)
                self.records.append((cycle, record))
                self.interrupted += record.irq
                self._check(record)
                if len(self.records) == count or (record.pc == until and not record.trap):
                    return True
            self.sleeping = bool(ctx.get(core.sleeping))
            taken = {}
            for name, port in (("data", data), ("tcdm", tcdm)):
                request = None
                if ctx.get(port.req.valid):
                    payload = ctx.get(port.req.payload)
                    request = (payload.op, payload.addr, payload.data, payload.strobe)
                before = offered.get(name)
                assert before is None or request == before, f"{name}: {before} became {request}"
                offered[name] = None if ready[name] else request
                taken[name] = request if ready[name] else None
            if answer:
                waiting = None
            if taken["data"]:
                assert waiting is None, "a second data request is outstanding"
                waiting = self._access(*taken["data"], 4)
            told = self._access_tcdm(*taken["tcdm"]) if taken["tcdm"] else None
            fetched = None
            if ctx.get(fetch.req.valid) and ready["fetch"]:
                fetched = self._fetch(ctx.get(fetch.req.payload))
            await ctx.tick()
            ctx.set(fetch.rsp.valid, fetched is not None)
            word, error = fetched or self._noise()
            ctx.set(fetch.rsp.data, word)
            ctx.set(fetch.rsp.error, error)
            ctx.set(tcdm.rsp.valid, told is not None)
            ctx.set(tcdm.rsp.data, self._noise()[0] if told is None else told)
        return False

    def _record(self, ctx):
        rvfi = self.core.rvfi

        def get(name):
            return ctx.get(getattr(rvfi, name))

        names = ("rd_addr", "rd_wdata", "heed_rd2_addr", "heed_rd2_wdata", "mem_addr", "mem_rmask")
        names += ("mem_wmask", "mem_rdata", "mem_wdata", "trap", "heed_cause")
        names += ("heed_irq", "heed_irq_cause")
        fields = {name.removeprefix("heed_"): get(name) for name in names}
        fields |= {name: bool(fields[name]) for name in ("trap", "irq")}
        assert get("order") == len(self.records), "the order of records has a gap"
        if time := get("heed_mem_time"):
            assert time > self._accessed, "accesses are not performed in program order"
            self._accessed = time
        return Retired(get("pc_rdata"), get("insn"), get("pc_wdata"), **fields)

    def _noise(self):
        if not self._stalls:
            return 0, 0
        return self._random.getrandbits(32), self._random.random() < 0.5

    def _fetch(self, address):
        assert address % 4 == 0, f"fetch from {address:#x}"
        try:
            return self._map.fetch(address), 0
        except AccessFault:
            return self._random.getrandbits(32), 1

    def _access_tcdm(self, op, offset, data, strobe):
        """Answer a request of 64 bits."""
        half = 4 * (strobe > 15)
        assert strobe >> 8 - 2 * half == 0 or half, f"strobes {strobe:08b}"
        address = TCDM_BASE + (offset & ~7) + half
        assert offset >> 2 & 1 == half >> 2, f"strobes {strobe:08b} at {offset:#x}"
        word, error = self._access(op, address | offset & 3, data >> 8 * half, strobe >> half, 8)
        assert not error
        return word << 8 * half | self._random.getrandbits(32) << 8 * (4 - half)

    def _access(self, op, address, data, strobe, width):
        """Perform an access of a word or a part of it; return the word read and the error."""
        lanes = [lane for lane in range(4) if strobe >> lane & 1]
        size = len(lanes)
        right = strobe == (1 << size) - 1 << address % 4 and size in (1, 2, 4)
        assert right and address % size == 0, f"strobes {strobe:04b} at {address:#x}"
        try:
            old = self._map.load(address & ~3, 4)
            if op == TcdmOp.STORE:
                self._map.store(address, size, (data & 0xFFFFFFFF) >> 8 * lanes[0])
            elif op == TcdmOp.LR:
                self._reservations.reserve(self._hart_id, address)
            elif op == TcdmOp.SC:
                old = int(not self._reservations.take(self._hart_id, address))
                if not old:
                    self._map.store(address, 4, data)
            elif op != TcdmOp.LOAD:
                self._map.store(address, 4, _AMOS[op](old, data & 0xFFFFFFFF))
            return old, 0
        except AccessFault:
            return self._random.getrandbits(32), 1
