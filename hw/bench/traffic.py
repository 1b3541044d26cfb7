"""Stand-ins for the other masters of a cluster: DMA lanes and cores that load."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from hw.bench.xorshift import XorShift
from hw.config import WORD_BYTES, ClusterConfig
from hw.tcdm.bus import TcdmOp, TcdmSignature

DMA_LANES = 8
BEAT_BYTES = DMA_LANES * WORD_BYTES
DMA_BYTES = 8192
"""The top of the scratchpad, which the DMA lanes load from (lower half) and store to (upper)."""

LOAD_CHANCE = 102
"""256ths of the probability with which a core that waits for nothing asks in a cycle: 0.4."""

COUNT_BITS = 32


class DmaLane(wiring.Component):
    """One of the lanes of a DMA at full rate: a request in every cycle.

    The lane has its word of every 64-byte beat. Beat follows beat through the lower half of the
    DMA's area with loads, then through the upper half with stores, and so on. Lanes do not wait
    for each other.

    Parameters
    ----------
    config : ClusterConfig
    lane : int

    Members
    -------
    enable : In; ask. What was asked for stays until it is granted
    bus : Out(TcdmSignature)

    Raises
    ------
    ValueError
        When the scratchpad is smaller than the area.
    """

    def __init__(self, *, config: ClusterConfig, lane):
        if config.tcdm.bytes < DMA_BYTES:
            raise ValueError(
                f"the scratchpad has {config.tcdm.bytes} bytes, but the DMA's area {DMA_BYTES}"
            )
        self._base = config.tcdm.bytes - DMA_BYTES + lane * WORD_BYTES
        signature = TcdmSignature(addr_width=config.tcdm.addr_width)
        super().__init__({"enable": In(1), "bus": Out(signature)})

    def elaborate(self, platform):
        m = Module()
        request = self.bus.req
        beat = Signal(range(DMA_BYTES // BEAT_BYTES))
        passes = Signal(64)
        m.d.comb += [
            request.payload.op.eq(Mux(beat[-1], TcdmOp.STORE, TcdmOp.LOAD)),
            request.payload.addr.eq(self._base | beat << exact_log2(BEAT_BYTES)),
            request.payload.data.eq(passes),
            request.payload.strobe.eq(-1),
        ]
        with m.If(~request.valid | request.ready):
            m.d.sync += request.valid.eq(self.enable)
        with m.If(request.valid & request.ready):
            m.d.sync += Cat(beat, passes).eq(Cat(beat, passes) + 1)
        return m


class LoadingCore(wiring.Component):
    """A core that loads random words: now and then it asks, and waits until it is granted.

    Parameters
    ----------
    config : ClusterConfig
    number : int
        Of its random generator.

    Members
    -------
    enable : In; ask. What was asked for stays until it is granted
    bus : Out(TcdmSignature)
    """

    def __init__(self, *, config: ClusterConfig, number):
        self._random = XorShift(number=number)
        signature = TcdmSignature(addr_width=config.tcdm.addr_width)
        super().__init__({"enable": In(1), "bus": Out(signature)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.random = random = self._random
        request = self.bus.req
        m.d.comb += request.payload.op.eq(TcdmOp.LOAD)
        with m.If(~request.valid | request.ready):
            m.d.sync += [
                request.valid.eq(self.enable & (random.value[:8] < LOAD_CHANCE)),
                request.payload.addr.eq(random.value[-len(request.payload.addr) :]),
            ]
        return m


class Traffic(wiring.Component):
    """Eight DMA lanes and as many cores as the cluster has workers, and how they fare.

    Parameters
    ----------
    config : ClusterConfig
    number : int
        Number of the first core's random generator.

    Members
    -------
    enable : In
    bus : Out(TcdmSignature) for each master: the DMA lanes first, then the cores
    dma_granted, core_granted : Out(32); requests granted
    dma_wait, core_wait : Out(32); most cycles that a request of one of them waited for its grant
    """

    def __init__(self, *, config: ClusterConfig, number):
        self._lanes = [DmaLane(config=config, lane=lane) for lane in range(DMA_LANES)]
        self._cores = [
            LoadingCore(config=config, number=number + core) for core in range(config.workers)
        ]
        signature = TcdmSignature(addr_width=config.tcdm.addr_width)
        members = {
            "enable": In(1),
            "bus": Out(signature).array(len(self._lanes) + len(self._cores)),
        }
        for name in ("dma", "core"):
            members |= {f"{name}_granted": Out(COUNT_BITS), f"{name}_wait": Out(COUNT_BITS)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        masters = self._lanes + self._cores
        for number, (master, bus) in enumerate(zip(masters, self.bus, strict=True)):
            m.submodules[f"master_{number}"] = master
            m.d.comb += master.enable.eq(self.enable)
            connect(m, master.bus, flipped(bus))
        lanes = len(self._lanes)
        self._watch(m, "dma", self.bus[:lanes], self.dma_granted, self.dma_wait)
        self._watch(m, "core", self.bus[lanes:], self.core_granted, self.core_wait)
        return m

    def _watch(self, m, name, buses, granted, longest):
        """Count the grants of some masters and keep the longest wait among them.

        No wait grows by more than 1 a cycle, so that none is ahead of the longest by more.
        """
        ahead = Signal(len(buses), name=f"{name}_ahead")
        grants = Signal(len(buses), name=f"{name}_grants")
        for number, bus in enumerate(buses):
            wait = Signal(COUNT_BITS, name=f"{name}_wait_{number}")
            m.d.comb += [
                ahead[number].eq(wait > longest),
                grants[number].eq(bus.req.valid & bus.req.ready),
            ]
            m.d.sync += wait.eq(Mux(bus.req.valid & ~bus.req.ready, wait + 1, 0))
        m.d.sync += longest.eq(longest + ahead.any())
        m.d.sync += granted.eq(granted + sum(grants[number] for number in range(len(buses))))
