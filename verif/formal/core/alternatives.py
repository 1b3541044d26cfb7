"""Other arithmetic in place of the core's: what a solver can see through.

Products and quotients are beyond a bounded search, and no property of the pipeline depends on
which function of its operands a unit computes. So the units are replaced by ones with the same
ports and timing rules that mix their operands; the expectations of `spec` use the same mixtures.
Unit tests are about the real arithmetic.
"""

from amaranth.hdl import Const, Instance, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

MIXED = ("op", "a", "b", "c", "low", "high")
PRODUCTS = (0x2D5A11C3, 0x7B38E94F, 0xC46D0B72, 0x91F7A6DD)
QUOTIENTS = (0x5E1B83A9, 0xE80D4C36, 0x3A92F561, 0xB4C76E1F)


def mixture(a: Value, b: Value, op: Value, constants: tuple[int, ...]) -> Value:
    """Combine two words, differently for every `op` and for swapped operands."""
    chosen = Const(constants[0], 32)
    for number, constant in enumerate(constants[1:], start=1):
        chosen = Mux(op[:2] == number, Const(constant, 32), chosen)
    return (a - b)[:32] ^ chosen


class AlternativeAlu(wiring.Component):
    """Ports of `Alu`."""

    op: In(8)
    a: In(32)
    b: In(32)
    unsigned: In(1)
    result: Out(32)
    less: Out(1)
    equal: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.result.eq(_mixed(self)),
            self.less.eq(self.a[0] ^ self.b[1] ^ self.unsigned),
            self.equal.eq(self.a[1] ^ self.b[0]),
        ]
        return m


class AlternativeMultiplier(wiring.Component):
    """Ports and timing of `Multiplier`. Of its mixtures the expectations know M's."""

    def __init__(self, *, mac: bool):
        self._mac = mac
        words = {"a": In(32), "b": In(32), "c": In(32), "result": Out(32)}
        super().__init__({"start": In(1), "op": In(8), "high": In(5), **words})

    def elaborate(self, platform):
        m = Module()
        mixed = mixture(self.a, self.b, self.op, PRODUCTS)
        if self._mac:
            mixed = Mux(self.op[2:] == 0, mixed, _mixed(self))
        with m.If(self.start):
            m.d.sync += self.result.eq(mixed)
        return m


class AlternativeDivider(wiring.Component):
    """Ports and handshake of `Divider`; takes any number of cycles, from two on."""

    start: In(1)
    op: In(8)
    a: In(32)
    b: In(32)
    busy: Out(1)
    done: Out(1)
    ack: In(1)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        ends = Signal()
        m.submodules.ends = Instance("$anyseq", p_WIDTH=1, o_Y=ends)
        with m.If(~self.busy):
            with m.If(self.start):
                mixed = mixture(self.a, self.b, self.op, QUOTIENTS)
                m.d.sync += [self.busy.eq(1), self.result.eq(mixed)]
        with m.Elif(~self.done):
            m.d.sync += self.done.eq(ends)
        with m.Elif(self.ack):
            m.d.sync += [self.busy.eq(0), self.done.eq(0)]
        return m


def mixing(kind: type) -> type:
    """Return a class with the ports of a unit of one cycle, or two, that mixes its operands."""

    class Mixing(wiring.Component):
        def __init__(self, **arguments):
            super().__init__(dict(kind(**arguments).signature.members.items()))

        def elaborate(self, platform):
            m = Module()
            if "start" in self.signature.members:
                with m.If(self.start):
                    m.d.sync += self.result.eq(_mixed(self))
            else:
                m.d.comb += self.result.eq(_mixed(self))
            return m

    return Mixing


def _mixed(unit):
    total = Const(0, 32)
    for place, name in enumerate(MIXED):
        if name in unit.signature.members:
            operand = getattr(unit, name)
            total = total ^ operand if len(operand) == 32 else total ^ (operand << 5 * place)[:32]
    return total
