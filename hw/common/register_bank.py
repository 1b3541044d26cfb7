"""A device's register bank, built from its description in `regmap`."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.common.register_bus import RegisterSignature
from hw.registers import Block


def _members(block):
    members = {"bus": In(RegisterSignature())}

    def add(name, flow):
        members[name] = flow if register.count == 1 else flow.array(register.count)

    for register in block.registers:
        if register.access == "rw":
            add(register.name, Out(32, init=register.reset))
        if register.access in ("ro", "w1c"):
            add(register.name, In(32))
        if register.access in ("wo", "w1c"):
            add(f"{register.name}_write", Out(1))
            members[f"{register.name}_data"] = Out(32)
    return members


class RegisterBank(wiring.Component):
    """The registers of one block.

    Reads show stored ("rw") or driven ("ro", "w1c") values, and 0 for "wo". Only whole words can
    be written. A write to a read-only register, an address without a register and a partial write
    are answered with `error` and change nothing.

    Parameters
    ----------
    block : hw.registers.Block

    Members
    -------
    bus : In(RegisterSignature)
    <register> : Out(32) if "rw"; In(32) if "ro" or "w1c"; an array where `count` > 1
    <register>_write : Out(1), "wo" and "w1c": high in the cycle that a write is taken
    <register>_data : Out(32), "wo" and "w1c": the word written (one, even for arrays)

    Timing
    ------
    Always ready; one request a cycle, its response in the next. `_write` and `_data` follow the
    bus combinationally; stored values change at the edge that takes the write.
    """

    def __init__(self, block):
        if not isinstance(block, Block):
            raise TypeError(f"block is {block!r}, but must be a hw.registers.Block")
        self._block = block
        super().__init__(_members(block))

    def elaborate(self, platform):
        m = Module()
        request = self.bus.req.payload
        taken = Signal()
        write = Signal()
        known = Signal()
        writable = Signal()
        value = Signal(32)
        m.d.comb += [
            self.bus.req.ready.eq(1),
            taken.eq(self.bus.req.valid),
            write.eq(taken & request.write & request.strobe.all()),
        ]
        with m.Switch(request.addr):
            for register in self._block.registers:
                for index in range(register.count):
                    with m.Case(register.address(index)):
                        m.d.comb += [known.eq(1), writable.eq(register.access != "ro")]
                        self._connect(m, register, index, write, value)
        for register in self._block.registers:
            if register.access in ("wo", "w1c"):
                m.d.comb += getattr(self, f"{register.name}_data").eq(request.data)
        m.d.sync += self.bus.rsp.valid.eq(taken)
        with m.If(taken):
            bad_write = request.write & ~(request.strobe.all() & writable)
            m.d.sync += [
                self.bus.rsp.data.eq(value),
                self.bus.rsp.error.eq(~known | bad_write),
            ]
        return m

    def _connect(self, m, register, index, write, value):
        """Add the read and the write of one register to the open case of the address switch."""

        def member(suffix=""):
            found = getattr(self, register.name + suffix)
            return found if register.count == 1 else found[index]

        if register.access != "wo":
            m.d.comb += value.eq(member())
        if register.access == "rw":
            with m.If(write):
                m.d.sync += member().eq(self.bus.req.payload.data)
        elif register.access in ("wo", "w1c"):
            strobe = getattr(self, f"{register.name}_write")
            m.d.comb += (strobe if register.count == 1 else strobe[index]).eq(write)
