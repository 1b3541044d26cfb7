"""The execute stage's data path."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import CoreConfig
from hw.core.types import AluOp, Control, Offset, OperandA, OperandB, Unit
from hw.core.units.alu import Alu
from hw.core.units.bitmanip import Bitmanip
from hw.core.units.divider import Divider
from hw.core.units.dot import Dot
from hw.core.units.multiplier import Multiplier
from hw.core.units.requantise import Requantise
from hw.core.units.simd import Simd
from hw.core.units.xalu import XAlu


class Execute(wiring.Component):
    """From operands to a result, an address and a decision to jump; no control of its own.

    One adder serves the targets of jumps and branches and the addresses of loads and stores, while
    the ALU makes the link address of a jump.

    Parameters
    ----------
    core : CoreConfig
        Which units are there.

    Members
    -------
    control : In(Control)
    pc, immediate : In(32)
    low, high : In(5), bits 24:20 and 29:25 of the instruction
    rs1, rs2, rs3 : In(32), operands
    csr : In(32), what a CSR instruction reads
    multiply, requantise, divide : In(1), start that unit
    product, requantised, quotient : Out(32), their results
    divider_busy, divided : Out(1), the divider's `busy` and `done`
    divider_ack : In(1)
    result : Out(32), for the destination register, or the base of a post-increment
    address : Out(32), of a load or store
    target : Out(32), the address that a jump goes to
    jumps : Out(1), a jump or a branch that is taken

    Timing
    ------
    Combinational, but for multiplication, requantisation and division: see those units.
    """

    def __init__(self, *, core: CoreConfig):
        self._core = core
        super().__init__(
            {
                "control": In(Control),
                "pc": In(32),
                "immediate": In(32),
                "low": In(5),
                "high": In(5),
                "rs1": In(32),
                "rs2": In(32),
                "rs3": In(32),
                "csr": In(32),
                "multiply": In(1),
                "requantise": In(1),
                "divide": In(1),
                "product": Out(32),
                "requantised": Out(32),
                "quotient": Out(32),
                "divider_busy": Out(1),
                "divided": Out(1),
                "divider_ack": In(1),
                "result": Out(32),
                "address": Out(32),
                "target": Out(32),
                "jumps": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.alu = alu = Alu()
        control = self.control
        a = Signal(32)
        b = Signal(32)
        m.d.comb += [
            alu.op.eq(Mux(control.unit == Unit.ALU, control.op, AluOp.ADD)),
            alu.unsigned.eq(control.unsigned),
            alu.a.eq(a),
            alu.b.eq(b),
            a.eq(self.rs1),
            b.eq(self.rs2),
        ]
        with m.Switch(control.a):
            with m.Case(OperandA.PC):
                m.d.comb += a.eq(self.pc)
            with m.Case(OperandA.ZERO):
                m.d.comb += a.eq(0)
        with m.Switch(control.b):
            with m.Case(OperandB.IMMEDIATE):
                m.d.comb += b.eq(self.immediate)
            with m.Case(OperandB.FOUR):
                m.d.comb += b.eq(4)
            with m.Case(OperandB.LOW):
                m.d.comb += b.eq(self.low.as_signed())

        # A branch's funct3: bit 2 asks for `less` rather than `equal`, bit 0 inverts.
        condition = Mux(control.op[2], alu.less, alu.equal) ^ control.op[0]
        branches = (control.unit == Unit.BRANCH) & condition
        base = Mux(control.base_pc, self.pc, self.rs1)
        offset = Signal(32)
        sum = Signal(32)
        with m.Switch(control.offset):
            with m.Case(Offset.IMMEDIATE):
                m.d.comb += offset.eq(self.immediate)
            with m.Case(Offset.RS2):
                m.d.comb += offset.eq(self.rs2)
            with m.Case(Offset.RS3):
                m.d.comb += offset.eq(self.rs3)
        m.d.comb += [
            sum.eq(base + offset),
            self.address.eq(Mux(control.post, self.rs1, sum)),
            self.target.eq(Cat(C(0, 1), sum[1:])),
            self.jumps.eq((control.unit == Unit.JUMP) | branches),
        ]

        with m.Switch(control.unit):
            with m.Case(Unit.LOAD, Unit.STORE):
                m.d.comb += self.result.eq(sum)
            with m.Case(Unit.CSR):
                m.d.comb += self.result.eq(self.csr)
            for unit, result in self._units(m, b).items():
                with m.Case(unit):
                    m.d.comb += self.result.eq(result)
            with m.Default():
                m.d.comb += self.result.eq(alu.result)
        return m

    def _units(self, m, b):
        """Build the extensions' units; return the results of those that take no further cycle."""
        core = self._core
        immediate = {
            Unit.XALU: ("xalu", XAlu, core.xcv_alu),
            Unit.BIT: ("bitmanip", Bitmanip, core.xcv_bitmanip),
            Unit.SIMD: ("simd", Simd, core.xcv_simd),
            Unit.DOT: ("dot", Dot, core.xcv_simd),
        }
        results = {}
        for unit, (name, kind, there) in immediate.items():
            if there:
                m.submodules[name] = component = kind()
                self._feed(m, component, b)
                results[unit] = component.result
        if core.m or core.xcv_mac:
            m.submodules.multiplier = multiplier = Multiplier(mac=core.xcv_mac)
            self._feed(m, multiplier, b)
            m.d.comb += [multiplier.start.eq(self.multiply), self.product.eq(multiplier.result)]
        if core.xheed:
            m.submodules.requantise = requantise = Requantise()
            self._feed(m, requantise, b)
            m.d.comb += [
                requantise.start.eq(self.requantise),
                self.requantised.eq(requantise.result),
            ]
        if core.m:
            m.submodules.divider = divider = Divider()
            self._feed(m, divider, b)
            m.d.comb += [
                divider.start.eq(self.divide),
                divider.ack.eq(self.divider_ack),
                self.divider_busy.eq(divider.busy),
                self.divided.eq(divider.done),
                self.quotient.eq(divider.result),
            ]
        return results

    def _feed(self, m, unit, b):
        """Connect those of the operands that a unit has."""
        operands = {
            "op": self.control.op,
            "a": self.rs1,
            "b": b,
            "c": self.rs3,
            "low": self.low,
            "high": self.high,
        }
        for name, value in operands.items():
            if name in unit.signature.members:
                m.d.comb += getattr(unit, name).eq(value)
