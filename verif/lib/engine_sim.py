"""The engine in Amaranth's simulator, on a TCDM that is a bytearray and grants at random."""

from amaranth.sim import Simulator

from hw.attention.engine import Engine
from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import ENGINE
from hw.tcdm.bus import TcdmOp


class EngineSim:
    """An engine on a memory image.

    Parameters
    ----------
    config : ClusterConfig
    image : bytearray
        The whole TCDM.
    rng : numpy.random.Generator
    grant : float
        Probability with which a port is ready in a cycle.
    """

    def __init__(self, config: ClusterConfig, image: bytearray, rng, grant: float = 1.0):
        self.engine = Engine(config=config)
        self.image = image
        self.events: list[tuple[int, int]] = []
        self.seen: list[bytes] = []  # memory at each event
        self.written: dict[int, bytes] = {}  # memory before the last write to a watched word
        self.watched: set[int] = set()  # offsets of words
        self.cycle = 0
        self._rng = rng
        self._grant = grant

    async def _memory(self, ctx):
        ports = self.engine.port
        wanted = [s for p in ports for s in (p.req.valid, p.req.payload.as_value())]
        layout = ports[0].req.payload.shape()
        event = self.engine.event
        while True:
            ready = [bool(self._rng.random() < self._grant) for _ in ports]
            for port, value in zip(ports, ready, strict=True):
                ctx.set(port.req.ready, value)
            _, _, told, mask, *values = await ctx.tick().sample(event.valid, event.mask, *wanted)
            self.cycle += 1
            if told:
                self.events.append((self.cycle, mask))
                self.seen.append(bytes(self.image))
            for n, port in enumerate(ports):
                granted = values[2 * n] and ready[n]
                ctx.set(port.rsp.valid, granted)
                if granted:
                    request = layout.from_bits(values[2 * n + 1])
                    ctx.set(port.rsp.data, self._access(request))

    def _access(self, request) -> int:
        address = request.addr & ~7
        if request.op == TcdmOp.LOAD:
            return int.from_bytes(self.image[address : address + 8], "little")
        assert request.op == TcdmOp.STORE, f"the engine asked for {request.op}"
        if address in self.watched:
            self.written[address] = bytes(self.image)
        for lane in range(8):
            if request.strobe >> lane & 1:
                self.image[address + lane] = request.data >> 8 * lane & 0xFF
        return 0

    async def write(self, ctx, register: str, value: int) -> None:
        """Write a register."""
        req = self.engine.regs.req
        ctx.set(req.payload.addr, ENGINE[register].offset)
        ctx.set(req.payload.write, 1)
        ctx.set(req.payload.strobe, 0xF)
        ctx.set(req.payload.data, value)
        ctx.set(req.valid, 1)
        await ctx.tick()
        ctx.set(req.valid, 0)
        ctx.set(req.payload.write, 0)

    async def read(self, ctx, register: str) -> int:
        """Return a register's value."""
        req = self.engine.regs.req
        ctx.set(req.payload.addr, ENGINE[register].offset)
        ctx.set(req.valid, 1)
        await ctx.tick()
        ctx.set(req.valid, 0)
        return ctx.get(self.engine.regs.rsp.data)

    def run(self, testbench, deadline: int = 20_000) -> None:
        """Run `testbench(ctx)` to its end, within `deadline` cycles."""
        simulator = Simulator(self.engine)
        simulator.add_clock(1e-6)
        ended = False

        async def bench(ctx):
            nonlocal ended
            await testbench(ctx)
            ended = True

        async def watch(ctx):
            while not ended:
                await ctx.tick()
                assert self.cycle < deadline, f"not finished after {deadline} cycles"

        simulator.add_testbench(self._memory, background=True)
        simulator.add_testbench(bench)
        simulator.add_testbench(watch)
        simulator.run()

    def run_jobs(self, *addresses: int, jobs: int | None = None, deadline: int = 20_000) -> None:
        """Ring a doorbell for each offset into the TCDM and wait for the events."""

        async def bench(ctx):
            for address in addresses:
                await self.write(ctx, "doorbell", TCDM_BASE + address)
            while len(self.events) < (jobs or len(addresses)):
                await ctx.tick()

        self.run(bench, deadline)
