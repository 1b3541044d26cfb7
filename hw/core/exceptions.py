"""Which exception an instruction in execute raises."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.types import Cause, Control, SystemOp, Unit
from hw.tcdm.bus import TcdmOp


class Exceptions(wiring.Component):
    """Finds the exception of an instruction, by the priorities of the privileged manual.

    Members
    -------
    control : In(Control)
    pc, insn : In(32)
    fetch_error : In(1), the instruction could not be fetched
    csr_legal : In(1), a CSR instruction's access is allowed
    jumps : In(1), a jump, or a branch that is taken
    address : In(32), where it jumps to, or what it loads or stores
    misaligned : In(1), `address` does not suit the size of the load or store
    outside : In(1), nothing answers at `address`
    fault : In(1), memory answered the load or store with an error
    raised : Out(1)
    code : Out(5), a `Cause`
    value : Out(32), for `mtval`

    Timing
    ------
    Combinational.
    """

    control: In(Control)
    pc: In(32)
    insn: In(32)
    fetch_error: In(1)
    csr_legal: In(1)
    jumps: In(1)
    address: In(32)
    misaligned: In(1)
    outside: In(1)
    fault: In(1)
    raised: Out(1)
    code: Out(5)
    value: Out(32)

    def elaborate(self, platform):
        m = Module()
        control = self.control
        system = control.unit == Unit.SYSTEM
        atomic = control.unit == Unit.ATOMIC
        load = (control.unit == Unit.LOAD) | (atomic & (control.op == TcdmOp.LR.value))
        memory = load | atomic | (control.unit == Unit.STORE)
        bad_csr = (control.unit == Unit.CSR) & ~self.csr_legal

        def case(cause, value):
            m.d.comb += [self.raised.eq(1), self.code.eq(cause), self.value.eq(value)]

        with m.If(self.fetch_error):
            case(Cause.FETCH_FAULT, self.pc)
        with m.Elif(~control.legal | bad_csr):
            case(Cause.ILLEGAL, self.insn)
        with m.Elif(system & (control.op == SystemOp.ECALL)):
            case(Cause.ECALL, 0)
        with m.Elif(system & (control.op == SystemOp.EBREAK)):
            case(Cause.BREAKPOINT, self.pc)
        with m.Elif(self.jumps & self.address[1]):
            case(Cause.FETCH_MISALIGNED, self.address & ~C(1, 32))
        with m.Elif(memory & self.misaligned):
            case(Mux(load, Cause.LOAD_MISALIGNED, Cause.STORE_MISALIGNED), self.address)
        with m.Elif(memory & (self.outside | self.fault)):
            case(Mux(load, Cause.LOAD_FAULT, Cause.STORE_FAULT), self.address)
        return m
