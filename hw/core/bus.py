"""The core's two buses: instruction fetch, and loads and stores."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.tcdm.bus import TcdmOp


class FetchSignature(wiring.Signature):
    """Instruction fetch, from the core's side.

    A request is taken when `req.valid` and `req.ready` are high at a clock edge; its response
    comes exactly one cycle later, with `error` for an address that holds no code. A core may
    change or withdraw a request that was not taken (a branch): memories must allow it.

    Members
    -------
    req : Out(stream of 32-bit byte address, 4-byte aligned)
    rsp : In; `valid`, `data` (32 bits), `error`
    """

    def __init__(self):
        super().__init__(
            {
                "req": Out(stream.Signature(32)),
                "rsp": In(wiring.Signature({"valid": Out(1), "data": Out(32), "error": Out(1)})),
            }
        )

    def __eq__(self, other):
        return isinstance(other, FetchSignature)

    def __repr__(self):
        return "FetchSignature()"


class DataRequest(data.StructLayout):
    """Layout of a core's data request: 32-bit data on its byte lanes (bits 1:0 of addr ignored)."""

    def __init__(self):
        super().__init__({"op": TcdmOp, "addr": 32, "data": 32, "strobe": 4})


class DataSignature(wiring.Signature):
    """Loads and stores, from the core's side.

    Every request gets one response, in order, at least one cycle after it was taken: exactly one
    for TCDM, any number of cycles for devices and main memory. At most one request is outstanding,
    except that a new one may be taken in the cycle in which the response to the last one arrives.
    `rsp.error` reports an access fault (stores too). For loads the strobes name the bytes wanted.

    Members
    -------
    req : Out(stream of DataRequest)
    rsp : In; `valid`, `data` (32 bits), `error`
    """

    def __init__(self):
        super().__init__(
            {
                "req": Out(stream.Signature(DataRequest())),
                "rsp": In(wiring.Signature({"valid": Out(1), "data": Out(32), "error": Out(1)})),
            }
        )

    def __eq__(self, other):
        return isinstance(other, DataSignature)

    def __repr__(self):
        return "DataSignature()"
