"""The TCDM bus: what a master sees of the scratchpad."""

from amaranth.hdl import *
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out


class TcdmOp(enum.Enum, shape=4):
    """What a request does.

    Atomics work on one 32-bit half of the addressed word and are executed at the bank: the
    strobes name the half, 0x0F or 0xF0. The AMOs answer with the word as it was; SC answers 0 when
    it has stored and 1 when it has not.
    """

    LOAD = 0
    STORE = 1
    LR = 2
    SC = 3
    AMO_SWAP = 4
    AMO_ADD = 5
    AMO_XOR = 6
    AMO_AND = 7
    AMO_OR = 8
    AMO_MIN = 9
    AMO_MAX = 10
    AMO_MINU = 11
    AMO_MAXU = 12


class TcdmRequest(data.StructLayout):
    """Layout of a request: operation, byte offset into the TCDM, 64-bit data and byte strobes.

    Bits 2:0 of `addr` are ignored: data sits on its own byte lanes. `data` and `strobe` matter for
    stores and atomics only (of LR the strobes).
    """

    def __init__(self, addr_width):
        self.addr_width = addr_width
        super().__init__({"op": TcdmOp, "addr": addr_width, "data": 64, "strobe": 8})


class TcdmSignature(wiring.Signature):
    """One 64-bit TCDM port, from the master's side.

    Every request, stores too, gets one response exactly one cycle after it was taken (`req.valid`
    and `req.ready` high at a clock edge). Responses have no back-pressure: a master asks only
    with room reserved. `req.ready` may depend combinationally on `req.valid`; a master's `valid`
    must not depend on `ready`, and once valid a request stays as it is until taken.

    Parameters
    ----------
    addr_width : int
        Width of a byte offset into the TCDM.

    Members
    -------
    req : Out(stream of TcdmRequest)
    rsp : In; `valid`, and for loads and atomics `data` (64 bits)
    """

    def __init__(self, *, addr_width):
        self._addr_width = addr_width
        super().__init__(
            {
                "req": Out(stream.Signature(TcdmRequest(addr_width))),
                "rsp": In(wiring.Signature({"valid": Out(1), "data": Out(64)})),
            }
        )

    @property
    def addr_width(self):
        return self._addr_width

    def __eq__(self, other):
        return isinstance(other, TcdmSignature) and other.addr_width == self.addr_width

    def __repr__(self):
        return f"TcdmSignature(addr_width={self._addr_width})"
