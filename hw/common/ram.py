"""A single-port RAM, the building block of TCDM banks and other deep memories."""

from amaranth.hdl import *
from amaranth.hdl import MemoryData
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.verilog import VerilogPlatform


class Ram(wiring.Component):
    """Single-port synchronous RAM with byte strobes.

    A cycle either reads a word or writes the strobed bytes of one. In Amaranth's simulator it is
    a `lib.memory.Memory` (attribute `data` is its `MemoryData`, for loads and dumps by a test
    bench); with `VerilogPlatform` it is an instance, named `words`, of the module `heed_ram`
    (`hw/common/heed_ram.v`). All words start as zero.

    Parameters
    ----------
    depth : int
        Words, at least 2.
    width : int
        Bits a word, a multiple of 8.

    Members
    -------
    en : In; the cycle does something
    we : In; it writes
    addr : In; index of the word, below `depth`
    wdata, strobe : In; data to write and one bit for each of its bytes
    rdata : Out; the word read last

    Timing
    ------
    `rdata` shows a word one cycle after its read and holds it until the next read: neither an
    idle cycle nor a write changes it. One access a cycle.

    Raises
    ------
    ValueError
        When a parameter is out of range.
    """

    def __init__(self, *, depth, width=64):
        if not isinstance(depth, int) or depth < 2:
            raise ValueError(f"depth is {depth!r}, but must be an integer of 2 or more")
        if not isinstance(width, int) or width < 8 or width % 8:
            raise ValueError(f"width is {width!r}, but must be a positive multiple of 8")
        self.depth = depth
        self.width = width
        self.data = MemoryData(shape=unsigned(width), depth=depth, init=[])
        super().__init__(
            {
                "en": In(1),
                "we": In(1),
                "addr": In(range(depth)),
                "wdata": In(width),
                "strobe": In(width // 8),
                "rdata": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        if isinstance(platform, VerilogPlatform):
            m.submodules.words = Instance(
                "heed_ram",
                p_DEPTH=self.depth,
                p_WIDTH=self.width,
                i_clk=ClockSignal(),
                i_en=self.en,
                i_we=self.we,
                i_addr=self.addr,
                i_wdata=self.wdata,
                i_strobe=self.strobe,
                o_rdata=self.rdata,
            )
            return m

        m.submodules.words = memory = Memory(self.data)
        read = memory.read_port()
        write = memory.write_port(granularity=8)
        m.d.comb += [
            read.en.eq(self.en & ~self.we),
            read.addr.eq(self.addr),
            write.en.eq(Mux(self.en & self.we, self.strobe, 0)),
            write.addr.eq(self.addr),
            write.data.eq(self.wdata),
            self.rdata.eq(read.data),
        ]
        return m
