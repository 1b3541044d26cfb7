"""The shared scratchpad: crossbar and banks."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped

from hw.config import TcdmConfig
from hw.tcdm.bank import Bank
from hw.tcdm.bus import TcdmSignature
from hw.tcdm.crossbar import Crossbar


class Tcdm(wiring.Component):
    """Word-interleaved scratchpad for any number of masters.

    Bank `i` is the submodule `bank_<i>`, its memory the submodule `ram` of that. All bytes start
    as zero.

    Parameters
    ----------
    config : TcdmConfig
        Banks and their size.
    masters : int
        Number of masters, at least 1.
    harts : int
        How many of them, the first ones, have a reservation for LR and SC.

    Members
    -------
    master : In(TcdmSignature) for each master

    Timing
    ------
    See `Crossbar`: granted in the first cycle when uncontended, response one cycle later. An AMO
    keeps its bank for one cycle more.

    Attributes
    ----------
    banks : list of Bank
        For test benches in Amaranth's simulator: `banks[i].ram.data` is a `MemoryData`.
    """

    def __init__(self, *, config: TcdmConfig, masters, harts=0):
        self.config = config
        self.harts = harts
        self.crossbar = Crossbar(config=config, masters=masters, harts=harts)
        self.banks = [Bank(config=config) for _ in range(config.banks)]
        super().__init__({"master": In(TcdmSignature(addr_width=config.addr_width)).array(masters)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.crossbar = self.crossbar
        for inner, outer in zip(self.crossbar.master, self.master, strict=True):
            connect(m, flipped(outer), inner)
        for i, bank in enumerate(self.banks):
            m.submodules[f"bank_{i}"] = bank
            connect(m, self.crossbar.bank[i], bank.port)
        return m
