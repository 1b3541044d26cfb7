"""The execute stage's data path."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.units.alu import Alu
from hw.core.units.divider import Divider
from hw.core.lsu import StoreAlign
from hw.core.units.multiplier import Multiplier
from hw.core.types import AluOp, Control, OperandA, OperandB, Unit


class Execute(wiring.Component):
    """From operands to a result, an address and a decision to jump; no control of its own.

    One adder serves the targets of jumps and branches and the addresses of loads and stores, while
    the ALU makes the link address of a jump.

    Members
    -------
    control : In(Control)
    pc, immediate : In(32)
    rs1, rs2 : In(32), operands
    csr : In(32), what a CSR instruction reads
    divide : In(1), start a division
    divided : Out(1), its result is there, for one cycle
    result : Out(32), for the destination register; the address of a load or store
    address : Out(32), base plus immediate
    target : Out(32), the address that a jump goes to
    jumps : Out(1), a jump or a branch that is taken
    misaligned : Out(1), `address` does not suit the size of a load or store
    strobe : Out(4), bytes of a load or store
    store_data : Out(32), on its lanes; 0 for a load

    Timing
    ------
    Combinational, but for division: `divided` comes 33 cycles after `divide`, the operands of which
    must hold until then.
    """

    control: In(Control)
    pc: In(32)
    immediate: In(32)
    rs1: In(32)
    rs2: In(32)
    csr: In(32)
    divide: In(1)
    divided: Out(1)
    result: Out(32)
    address: Out(32)
    target: Out(32)
    jumps: Out(1)
    misaligned: Out(1)
    strobe: Out(4)
    store_data: Out(32)

    def elaborate(self, platform):
        m = Module()
        m.submodules.alu = alu = Alu()
        m.submodules.multiplier = multiplier = Multiplier()
        m.submodules.divider = divider = Divider()
        m.submodules.store = store = StoreAlign()
        control = self.control

        m.d.comb += [
            alu.op.eq(Mux(control.unit == Unit.ALU, control.op, AluOp.ADD)),
            alu.unsigned.eq(control.unsigned),
            alu.a.eq(self.rs1),
            alu.b.eq(self.rs2),
            multiplier.op.eq(control.op[:2]),
            multiplier.a.eq(self.rs1),
            multiplier.b.eq(self.rs2),
            divider.op.eq(control.op[:2]),
            divider.a.eq(self.rs1),
            divider.b.eq(self.rs2),
            divider.start.eq(self.divide),
            self.divided.eq(divider.done),
        ]
        with m.Switch(control.a):
            with m.Case(OperandA.PC):
                m.d.comb += alu.a.eq(self.pc)
            with m.Case(OperandA.ZERO):
                m.d.comb += alu.a.eq(0)
        with m.Switch(control.b):
            with m.Case(OperandB.IMMEDIATE):
                m.d.comb += alu.b.eq(self.immediate)
            with m.Case(OperandB.FOUR):
                m.d.comb += alu.b.eq(4)

        # A branch's funct3: bit 2 asks for `less` rather than `equal`, bit 0 inverts.
        condition = Mux(control.op[2], alu.less, alu.equal) ^ control.op[0]
        branches = (control.unit == Unit.BRANCH) & condition
        m.d.comb += [
            self.address.eq(Mux(control.base_pc, self.pc, self.rs1) + self.immediate),
            self.target.eq(Cat(C(0, 1), self.address[1:])),
            self.jumps.eq((control.unit == Unit.JUMP) | branches),
            store.size.eq(control.op[:2]),
            store.address.eq(self.address[:2]),
            store.value.eq(self.rs2),
            self.strobe.eq(store.strobe),
            self.misaligned.eq(store.misaligned),
            self.store_data.eq(Mux(control.unit == Unit.STORE, store.data, 0)),
        ]

        with m.Switch(control.unit):
            with m.Case(Unit.LOAD, Unit.STORE):
                m.d.comb += self.result.eq(self.address)
            with m.Case(Unit.MULTIPLY):
                m.d.comb += self.result.eq(multiplier.result)
            with m.Case(Unit.DIVIDE):
                m.d.comb += self.result.eq(divider.result)
            with m.Case(Unit.CSR):
                m.d.comb += self.result.eq(self.csr)
            with m.Default():
                m.d.comb += self.result.eq(alu.result)
        return m
