"""The observer: every instruction once, in order, whatever the order of late results."""

import random
from collections import Counter, deque

import pytest
from amaranth.sim import Simulator

from hw.core.trace import Trace
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.planted import plant

DEPTH = 4

PLAIN = {  # member of the entry: member of RVFI
    "pc": "pc_rdata",
    "next_pc": "pc_wdata",
    "insn": "insn",
    "trap": "trap",
    "cause": "heed_cause",
    "rs1": "rs1_addr",
    "rs2": "rs2_addr",
    "rs3": "heed_rs3_addr",
    "rs1_data": "rs1_rdata",
    "rs2_data": "rs2_rdata",
    "rs3_data": "heed_rs3_rdata",
    "rd": "rd_addr",
    "rd2": "heed_rd2_addr",
    "rd2_data": "heed_rd2_wdata",
}
"""What comes out as it went in."""


def masked(word: int, mask: int) -> int:
    return word & sum(0xFF << 8 * lane for lane in range(4) if mask >> lane & 1)


class Instruction:
    """One that leaves execute, and what is still missing of it."""

    def __init__(self, rng: random.Random, trap: bool):
        widths = {"trap": 1, "cause": 5, "rd": 5, "rd2": 5, "rs1": 5, "rs2": 5, "rs3": 5}
        self.entry = {name: rng.getrandbits(widths.get(name, 32)) for name in PLAIN}
        late, memory = (not trap and rng.random() < 0.6 for _ in range(2))
        size = rng.choice((0b0001, 0b0011, 0b1111))
        self.entry |= {
            "trap": trap,
            "rd": rng.randrange(1, 32) if late else rng.randrange(0, 32, 31),
            "rd_data": rng.getrandbits(32),
            "late": late,
            "memory": memory,
            "op": rng.choice((TcdmOp.LOAD, TcdmOp.STORE, TcdmOp.SC, TcdmOp.AMO_ADD)),
            "address": rng.getrandbits(32),
            "reads": rng.choice((0, size)),
            "writes": rng.choice((0, size)),
            "data": rng.getrandbits(32),
        }
        self.result = rng.getrandbits(32) if late else None
        self.access = (rng.getrandbits(32), rng.getrandbits(32)) if memory else None
        self.missing = {name for name, due in (("late", late), ("memory", memory)) if due}

    def record(self, intr: bool, irq_cause: int | None) -> dict[str, int]:
        """Return the members of RVFI that this instruction must show."""
        entry = self.entry
        fields = {name: entry[member] for member, name in PLAIN.items()}
        fields |= {"halt": 0, "mode": 3, "ixl": 1, "intr": intr}
        fields |= {"heed_irq": irq_cause is not None, "heed_irq_cause": irq_cause or 0}
        value = entry["rd_data"] if self.result is None else self.result
        fields["rd_wdata"] = value if entry["rd"] else 0
        word, time = self.access or (0, 0)
        fields["heed_mem_time"] = time
        there = self.access is not None and not (entry["op"] == TcdmOp.SC and word & 1)
        reads, writes = entry["reads"] * there, entry["writes"] * there
        fields |= {
            "mem_addr": entry["address"] * there,
            "mem_rmask": reads,
            "mem_wmask": writes,
            "mem_rdata": masked(word, reads),
            "mem_wdata": masked(entry["data"], writes),
        }
        return fields


class Bench:
    """Instructions, traps and late results at random.

    Parameters
    ----------
    cycles
        How long.
    seed
        Of everything.

    Attributes
    ----------
    seen : Counter
        How often the interesting cases came.
    """

    def __init__(self, cycles: int, seed: int = 0):
        self.dut = Trace(depth=DEPTH)
        self.seen: Counter[str] = Counter()
        self._cycles, self._rng = cycles, random.Random(seed)
        self._queue: deque[tuple[int, Instruction, dict]] = deque()  # place, and what must show
        self._room = True  # for a push in this cycle
        self._pushed = 0
        self._shown = 0
        self._first = False  # the next one is a handler's first
        self._irq_cause: int | None = None  # an interrupt was taken

    def run(self) -> Counter:
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._bench)
        simulator.run()
        return self.seen

    async def _bench(self, ctx):
        for cycle in range(self._cycles):
            assert ctx.get(self.dut.time) == cycle
            self._show(ctx)
            newest = self._push(ctx)
            self._complete(ctx, newest)
            await ctx.tick()

    def _show(self, ctx):
        """Compare what shows: the oldest instruction, as soon as nothing of it is missing."""
        rvfi, queue = self.dut.rvfi, self._queue
        assert ctx.get(self.dut.full) == (len(queue) == DEPTH)
        assert ctx.get(self.dut.tag) == self._pushed % DEPTH
        self.seen.update(
            full=len(queue) == DEPTH,
            overtaken=len(queue) > 1 and bool(queue[0][1].missing and not queue[1][1].missing),
        )
        shows = bool(queue) and not queue[0][1].missing
        assert ctx.get(rvfi.valid) == shows
        self._room = len(queue) < DEPTH
        if shows:
            _, _, record = queue.popleft()
            record["order"] = self._shown
            assert {name: ctx.get(getattr(rvfi, name)) for name in record} == record
            self._shown += 1

    def _push(self, ctx):
        """An instruction leaves execute, or traps; or an interrupt is taken in its place."""
        dut, rng = self.dut, self._rng
        interrupt = self._room and self._irq_cause is None and rng.random() < 0.1
        pushes = self._room and not interrupt and rng.random() < 0.8
        instruction = Instruction(rng, trap=rng.random() < 0.2)
        trap = pushes and instruction.entry["trap"]
        code = rng.getrandbits(5)
        ctx.set(dut.trap.valid, interrupt or trap)
        ctx.set(dut.trap.interrupt, interrupt)
        ctx.set(dut.trap.code, code)
        ctx.set(dut.push.valid, pushes)
        ctx.set(dut.push.entry, instruction.entry)
        if interrupt:
            self._first, self._irq_cause = True, code
        if pushes:
            record = instruction.record(self._first, self._irq_cause)
            self.seen.update(
                intr=self._first,
                irq=self._irq_cause is not None,
                trap=trap,
                trap_after_interrupt=trap and self._irq_cause is not None,
                failed=instruction.access is not None and not record["mem_addr"],
            )
            self._queue.append((self._pushed % DEPTH, instruction, record))
            self._pushed += 1
            self._first, self._irq_cause = trap, None
        return instruction

    def _complete(self, ctx, newest):
        """Give a result and an access to any of those that miss one, the newest included."""
        dut, rng = self.dut, self._rng
        for name, port in (("late", dut.written), ("memory", dut.performed)):
            missing = [which for which in self._queue if name in which[1].missing]
            ctx.set(port.valid, False)
            if not missing or rng.random() < 0.4:
                continue
            place, instruction, _ = rng.choice(missing)
            instruction.missing.discard(name)
            self.seen["at once"] += instruction is newest
            ctx.set(port.valid, True)
            if name == "late":
                ctx.set(port.tag, place)
                ctx.set(port.data, instruction.result)
            else:
                data, time = instruction.access
                ctx.set(port.payload, {"tag": place, "data": data, "time": time})


def test_random_instructions():
    seen = Bench(1000).run()
    assert min(seen.values()) > 0, seen


def test_an_instruction_a_cycle():
    """Without late results nothing ever waits."""
    dut = Trace(depth=2)

    async def bench(ctx):
        ctx.set(dut.push.valid, 1)
        for cycle in range(20):
            ctx.set(dut.push.entry.pc, 4 * cycle)
            assert not ctx.get(dut.full)
            assert ctx.get(dut.rvfi.valid) == (cycle > 0)
            if cycle:
                assert ctx.get(dut.rvfi.pc_rdata) == 4 * (cycle - 1)
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    "function, right, wrong",
    [
        ("elaborate", "count == depth", "count == depth - 1"),
        ("elaborate", "& ~waits_memory.bit_select(head, 1)", ""),
        ("elaborate", "~waits_result.bit_select(head, 1) &", ""),
        ("elaborate", "Mux(after_interrupt, interrupt_code, 0)", "interrupt_code"),
        ("elaborate", "m.d.sync += after_interrupt.eq(0)", "m.d.sync += first.eq(0)"),
        ("elaborate", "order.eq(order + done)", "order.eq(order + 1)"),
        (
            "elaborate",
            "waits_memory[place].eq(self.push.entry.memory)",
            "waits_memory[place].eq(1)",
        ),
        ("_show", "with m.If(entry.memory & ~failed)", "with m.If(entry.memory)"),
        ("_show", "with m.If(entry.rd != 0)", "with m.If(1)"),
        ("_show", "Mux(entry.late, late_data, entry.rd_data)", "late_data"),
        ("_show", "masked(access.data, entry.reads)", "access.data"),
    ],
)
def test_notices_a_bug(monkeypatch, function, right, wrong):
    plant(monkeypatch, Trace, function, right, wrong)
    with pytest.raises(AssertionError):
        Bench(300).run()


@pytest.mark.parametrize("depth", [0, 1, 3, 12])
def test_a_depth_that_cannot_be_is_refused(depth):
    with pytest.raises(ValueError, match=f"depth is {depth}, but must be a power of two"):
        Trace(depth=depth)


def test_converts_to_verilog():
    assert "module trace" in to_verilog(Trace(depth=DEPTH), name="trace")
