"""The register bus: how cores reach the registers of a device."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class RegisterRequest(data.StructLayout):
    """Layout of a request: read or write of one 32-bit register of a 4 KiB device window."""

    def __init__(self):
        super().__init__({"addr": 12, "write": 1, "data": 32, "strobe": 4})


class RegisterSignature(wiring.Signature):
    """Registers of one device, from the initiator's side.

    A request is taken when `req.valid` and `req.ready` are high at a clock edge; the response
    comes exactly one cycle later. `error` answers an address without a register, and a write
    that is not of the whole 32-bit word.

    Members
    -------
    req : Out(stream of RegisterRequest)
    rsp : In; `valid`, `data` (32 bits), `error`
    """

    def __init__(self):
        super().__init__(
            {
                "req": Out(stream.Signature(RegisterRequest())),
                "rsp": In(wiring.Signature({"valid": Out(1), "data": Out(32), "error": Out(1)})),
            }
        )

    def __eq__(self, other):
        return isinstance(other, RegisterSignature)

    def __repr__(self):
        return "RegisterSignature()"
