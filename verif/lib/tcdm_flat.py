"""A scratchpad whose masters' signals are few wide ports: cheap to drive from Python."""

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.tcdm.bus import TcdmRequest


class FlatTcdm(wiring.Component):
    """All masters of a `Tcdm`, each kind of signal in one port; for test benches.

    Parameters
    ----------
    tcdm : Tcdm
        What to wrap; submodule `tcdm`.

    Members
    -------
    valid, request : In; one bit, and one TcdmRequest, a master
    ready, rsp_valid, rsp_data : Out; one bit, one bit, and 64 bits a master
    """

    def __init__(self, tcdm):
        self.tcdm = tcdm
        masters = len(tcdm.master)
        request = TcdmRequest(tcdm.config.addr_width)
        super().__init__(
            {
                "valid": In(masters),
                "request": In(data.ArrayLayout(request, masters)),
                "ready": Out(masters),
                "rsp_valid": Out(masters),
                "rsp_data": Out(data.ArrayLayout(64, masters)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.tcdm = self.tcdm
        for i, master in enumerate(self.tcdm.master):
            m.d.comb += [
                master.req.valid.eq(self.valid[i]),
                master.req.payload.eq(self.request[i]),
                self.ready[i].eq(master.req.ready),
                self.rsp_valid[i].eq(master.rsp.valid),
                self.rsp_data[i].eq(master.rsp.data),
            ]
        return m
