"""Loads, stores and atomics: order, results, faults and times of the LSU against a model."""

import random
from collections import Counter
from dataclasses import asdict, dataclass

import pytest
from amaranth.sim import Simulator

from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE
from hw.core.lsu import QUEUE, Lsu, Region
from hw.presets import TINY
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.planted import plant

TAGS = 4
START = (1 << 32) - 100
"""Time at first: it runs over in every run."""

DEVICE_BYTES = 1 << 16
PLAIN = (TcdmOp.LOAD, TcdmOp.STORE)
REGIONS = [
    # kind, base, bytes
    (Region.TCDM, TCDM_BASE, TINY.tcdm.bytes),
    (Region.BLOCKING, DEVICE_BASE, DEVICE_BYTES),
    (Region.BLOCKING, MAIN_BASE, TINY.main_bytes),
]


@dataclass(frozen=True)
class Asked:
    """An access as execute asks for it."""

    op: TcdmOp
    size: int
    address: int
    data: int
    rd: int
    tag: int

    @classmethod
    def at_random(cls, rng: random.Random) -> "Asked":
        op = rng.choice((*PLAIN * 3, TcdmOp.LR, TcdmOp.SC, TcdmOp.SC, rng.choice(list(TcdmOp))))
        size = rng.choice({TcdmOp.LOAD: (0, 1, 2, 4, 5), TcdmOp.STORE: (0, 1, 2)}.get(op, (2,)))
        _, base, length = REGIONS[rng.choice((0, 0, 1, 2))]
        # Often the edges of a region, now and then right outside.
        words = [base, base + 4, base + length - 4, base + 4 * rng.randrange(length // 4)]
        if rng.random() < 0.05:
            words = [base - 4, base + length]
        offset = rng.randrange(4)
        if rng.random() < 0.95:
            offset &= ~((1 << size % 4) - 1)
        return cls(
            op,
            size,
            rng.choice(words) + offset,
            rng.getrandbits(32),
            0 if op == TcdmOp.STORE else rng.randrange(4),
            rng.randrange(TAGS),
        )

    @property
    def region(self) -> Region:
        for region, base, length in REGIONS:
            if base <= self.address < base + length:
                return region if self.op in PLAIN or base != DEVICE_BASE else Region.NOWHERE
        return Region.NOWHERE

    @property
    def bytes(self) -> int:
        return 1 << self.size % 4

    @property
    def strobe(self) -> int:
        return (1 << self.bytes) - 1 << self.address % 4

    def value(self, word: int, extend: bool) -> int:
        """Return the access's part of the memory's word."""
        bits = 8 * self.bytes
        value = word >> 8 * (self.address % 4) & (1 << bits) - 1
        negative = extend and self.size < 4 and value >> bits - 1
        return (value - (negative << bits)) & 0xFFFFFFFF


class Bench:
    """Execute and the memories at random, and a model of what stands between them.

    Parameters
    ----------
    cycles
        How long.
    refuse
        Probability that a memory refuses a request in a cycle.
    seed
        Of everything.

    Attributes
    ----------
    seen : Counter
        How often the interesting cases came.
    """

    def __init__(self, cycles: int, refuse: float, seed: int = 0):
        self.dut = Lsu(config=TINY, tags=TAGS)
        self.seen: Counter[str] = Counter()
        self._cycles, self._refuse, self._rng = cycles, refuse, random.Random(seed)
        self._x: Asked | None = None  # in execute
        self._offered = False  # a blocking access that cannot be withdrawn any more
        self._waiting: list[tuple[Asked, bool]] = []  # refused; whether it is an SC that fails
        self._told: tuple[Asked, bool, int] | None = None  # TCDM answers now; when it was granted
        self._since: int | None = None  # when a blocking access was granted that has no answer
        self._reserved: Region | None = None  # where the last LR went, until an SC

    def run(self) -> Counter:
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._bench)
        simulator.run()
        return self.seen

    async def _bench(self, ctx):
        for cycle in range(self._cycles):
            self._cycle(ctx, (START + cycle) & 0xFFFFFFFF)
            await ctx.tick()
            ctx.set(self.dut.tcdm.rsp.valid, self._told is not None)

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability

    def _cycle(self, ctx, now):
        dut, rng = self.dut, self._rng
        if self._x is None and self._chance(0.85):
            self._x = Asked.at_random(rng)
        elif not self._offered and self._chance(0.05):
            self._x = None  # an interrupt came first
        x = self._x or Asked.at_random(rng)
        answers = self._since is not None and self._chance(0.5)
        fault = answers and self._chance(0.2)
        allowed = x.region != Region.NOWHERE and x.address % x.bytes == 0
        valid = self._x is not None and allowed and not fault
        grants_tcdm, grants_data = (not self._chance(self._refuse) for _ in range(2))
        word, double = rng.getrandbits(32), rng.getrandbits(64)
        ctx.set(dut.access, asdict(x))
        ctx.set(dut.valid, valid)
        ctx.set(dut.time, now)
        ctx.set(dut.tcdm.req.ready, grants_tcdm)
        ctx.set(dut.tcdm.rsp.data, double)
        ctx.set(dut.data.req.ready, grants_data)
        ctx.set(dut.data.rsp.valid, answers)
        ctx.set(dut.data.rsp.data, word)
        ctx.set(dut.data.rsp.error, fault if answers else rng.randrange(2))

        assert ctx.get(dut.region) == x.region
        assert ctx.get(dut.misaligned) == (x.address % x.bytes != 0)
        if allowed:
            assert ctx.get(dut.strobe) == x.strobe

        # Requests: what waits goes first, and a blocking access waits for all of it.
        fails = x.op == TcdmOp.SC and self._reserved != x.region
        in_tcdm, blocks = (valid and x.region == r for r in (Region.TCDM, Region.BLOCKING))
        room = len(self._waiting) < QUEUE
        quiet = not self._waiting and self._told is None
        ready = room if in_tcdm else answers and not fault
        if in_tcdm and room:
            self._waiting.append((x, fails))
        asks_tcdm = self._waiting[0] if self._waiting else None
        asks_data = (x, fails) if blocks and quiet and self._since is None else None
        takes_tcdm = asks_tcdm if grants_tcdm else None
        takes_data = asks_data if grants_data else None
        self._check_request(ctx, dut.tcdm.req, asks_tcdm)
        self._check_request(ctx, dut.data.req, asks_data)
        self._check_stored(ctx, takes_tcdm or takes_data)
        if valid:
            assert ctx.get(dut.ready) == ready
        assert ctx.get(dut.late) == in_tcdm
        assert ctx.get(dut.fault) == fault
        assert ctx.get(dut.busy) == (asks_data is not None or self._since is not None)
        assert ctx.get(dut.idle) == quiet
        assert ctx.get(dut.refused) == (asks_tcdm is not None and not grants_tcdm)

        # Results.
        if self._told:
            asked, failed, when = self._told
            half = double >> 8 * (asked.address & 4) & 0xFFFFFFFF
            self._check_result(ctx, asked, failed, half, when)
        elif answers and not fault:
            self._check_result(ctx, x, fails, word, self._since)
        else:
            assert not ctx.get(dut.write.valid)
            assert ctx.get(dut.performed.valid) == fault

        self.seen.update(
            fault=fault,
            full=in_tcdm and not room,
            waits=blocks and not quiet,
            elsewhere=valid and ready and fails and self._reserved is not None,
            conditional=valid and ready and x.op == TcdmOp.SC and not fails,
            outside=x.region == Region.NOWHERE,
            tcdm=takes_tcdm is not None,
            blocking=answers and not fault,
        )

        self._told = (*self._waiting.pop(0), now) if takes_tcdm else None
        if answers:
            self._since = None
        elif takes_data:
            self._since = now
        self._offered = asks_data is not None or self._since is not None
        if valid and ready:
            if x.op == TcdmOp.LR:
                self._reserved = x.region
            elif x.op == TcdmOp.SC:
                self._reserved = None
        if not valid or ready:
            self._x, self._offered = None, False

    def _check_request(self, ctx, bus, expected):
        """Compare a bus with what goes out now; data only where it counts."""
        assert ctx.get(bus.valid) == (expected is not None)
        if expected is None:
            return
        asked, fails = expected
        payload = ctx.get(bus.payload)
        op = TcdmOp.LOAD if fails else asked.op
        wide = bus is self.dut.tcdm.req
        lane = asked.address % (8 if wide else 4)
        assert payload.op == op
        assert payload.addr == asked.address - (TCDM_BASE if wide else 0)
        assert payload.strobe == (1 << asked.bytes) - 1 << lane
        if op not in (TcdmOp.LOAD, TcdmOp.LR):
            mask = (1 << 8 * asked.bytes) - 1
            assert payload.data >> 8 * lane & mask == asked.data & mask

    def _check_stored(self, ctx, taken):
        stored = self.dut.stored
        word = taken and taken[0].op == TcdmOp.STORE and taken[0].size == 2
        assert ctx.get(stored.valid) == bool(word)
        if word:
            expected = (taken[0].address, taken[0].data)
            assert (ctx.get(stored.address), ctx.get(stored.data)) == expected

    def _check_result(self, ctx, asked, fails, word, when):
        write, performed = self.dut.write, self.dut.performed
        assert ctx.get(write.valid) == (asked.rd != 0)
        if asked.rd:
            value = 1 if fails else asked.value(word, extend=True)
            got = [ctx.get(member) for member in (write.rd, write.data, write.tag)]
            assert got == [asked.rd, value, asked.tag]
        payload = ctx.get(performed.payload)
        assert ctx.get(performed.valid)
        assert (payload.tag, payload.time) == (asked.tag, when)
        if asked.op != TcdmOp.STORE:
            assert payload.data == (1 if fails else asked.value(word, extend=False))


@pytest.mark.parametrize("refuse", [0.0, 0.3, 0.7])
def test_random_accesses(refuse):
    seen = Bench(1500, refuse, seed=int(10 * refuse)).run()
    missed = [case for case, often in seen.items() if not often]
    assert missed == ([] if refuse else ["full"]), seen


def test_an_access_a_cycle():
    """Nothing is lost at TCDM when nothing is refused, and at most `QUEUE` wait when all is."""
    dut = Lsu(config=TINY, tags=TAGS)

    async def bench(ctx):
        ctx.set(dut.valid, 1)
        ctx.set(dut.access, {"op": TcdmOp.LOAD, "size": 2, "address": TCDM_BASE, "rd": 1})
        for granted in (True, False):
            ctx.set(dut.tcdm.req.ready, granted)
            ready = []
            for _ in range(10):
                ready.append(ctx.get(dut.ready))
                await ctx.tick()
                ctx.set(dut.tcdm.rsp.valid, granted)
            assert sum(ready) == (10 if granted else QUEUE)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    "function, right, wrong",
    [
        ("elaborate", "& ~pending & (waits == 0) & ~answering", "& ~pending & (waits == 0)"),
        ("elaborate", "& ~pending & (waits == 0) & ~answering", "& ~pending & ~answering"),
        ("elaborate", "self.ready.eq(waits != QUEUE)", "self.ready.eq(1)"),
        ("elaborate", "Mux(answered.address[2]", "Mux(access.address[2]"),
        ("elaborate", "Mux(answering, answered_at, blocking_at)", "answered_at"),
        ("elaborate", "Mux(failed, 1, load.value)", "load.value"),
        ("elaborate", "pending & response.valid & response.error", "response.error"),
        ("elaborate", "request.payload.strobe.all()", "1"),
        ("_decode", "plain & (address", "(address"),
        ("_reserve", "reserved & (reserved_tcdm == in_tcdm)", "reserved"),
        ("_reserve", "reserved.eq(0)", "reserved.eq(reserved)"),
        ("_request_tcdm", "waits - taken == place", "waits == place"),
        ("_request_tcdm", "Mux(waits != 0, strobes[0], store.strobe)", "strobes[0]"),
    ],
)
def test_notices_a_bug(monkeypatch, function, right, wrong):
    plant(monkeypatch, Lsu, function, right, wrong)
    with pytest.raises(AssertionError):
        Bench(1500, 0.5, seed=1).run()


def test_converts_to_verilog():
    for tags in (1, TAGS):
        assert "module lsu" in to_verilog(Lsu(config=TINY, tags=tags), name="lsu")
