"""What each instruction of RV32IM does, as equations: the expectations of the proofs.

Written from the RISC-V manuals: unprivileged ISA (RV32I, M, Zicsr, Zifencei), privileged ISA
chapter 3. Nothing of the core is used. Products and quotients are those of `alternatives`, not
the manual's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE, ClusterConfig
from verif.formal.core.alternatives import PRODUCTS, QUOTIENTS, mixture

DEVICE_BYTES = 1 << 16

FETCH_MISALIGNED, ILLEGAL, BREAKPOINT = 0, 2, 3
LOAD_MISALIGNED, LOAD_FAULT, STORE_MISALIGNED, STORE_FAULT = 4, 5, 6, 7
ECALL = 11


class Expected(data.Struct):
    """What the trace port shows of an instruction.

    With `traps` it raises exception `cause`, with `may_trap` it may do so. `any_rd` and `any_pc`
    leave the value written and the next address open. Without an exception all else holds.
    """

    rs1: 5
    rs2: 5
    rd: 5
    value: 32
    any_rd: 1
    pc: 32
    any_pc: 1
    traps: 1
    may_trap: 1
    cause: 5
    address: 32
    reads: 4
    writes: 4
    stored: 32


@dataclass(frozen=True, kw_only=True)
class Operands:
    """An instruction, its address, what it read from registers and what memory answered."""

    insn: Value
    pc: Value
    a: Value
    b: Value
    loaded: Value
    config: ClusterConfig

    @property
    def i(self) -> Value:
        return self.insn[20:].as_signed()

    @property
    def s(self) -> Value:
        return Cat(self.insn[7:12], self.insn[25:]).as_signed()

    @property
    def branch_target(self) -> Value:
        insn = self.insn
        offset = Cat(Const(0, 1), insn[8:12], insn[25:31], insn[7], insn[31]).as_signed()
        return (self.pc + offset)[:32]

    @property
    def jump_target(self) -> Value:
        insn = self.insn
        offset = Cat(Const(0, 1), insn[21:31], insn[20], insn[12:20], insn[31]).as_signed()
        return (self.pc + offset)[:32]

    @property
    def upper(self) -> Value:
        return Cat(Const(0, 12), self.insn[12:])

    @property
    def shamt(self) -> Value:
        return self.insn[20:25]


Effects = Callable[[Operands], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """One instruction: its bits, the registers that it names, and its effects.

    `effects` gives fields of `Expected`; those it leaves out are 0, but `pc`, the next word.
    `registers` holds the letters of the fields that it has: 1, 2 and d.
    """

    pattern: str
    registers: str
    effects: Effects
    group: str = field(default="", kw_only=True)


def _value(operation: Callable[[Operands], Value]) -> Effects:
    return lambda o: {"value": operation(o)[:32]}


def _compared(condition: Value) -> Value:
    return Cat(condition, Const(0, 31))


def _less(x: Value, y: Value) -> Value:
    return x.as_signed() < y.as_signed()


def _word(y: Value) -> Value:
    """A signed immediate as a word."""
    return (y + Const(0, 32))[:32]


_ARITHMETIC: dict[str, tuple[int, int, Callable[[Value, Value], Value]]] = {
    "add": (0x00, 0, lambda x, y: x + y),
    "sub": (0x20, 0, lambda x, y: x - y),
    "sll": (0x00, 1, lambda x, y: x << y[:5]),
    "slt": (0x00, 2, lambda x, y: _compared(_less(x, y))),
    "sltu": (0x00, 3, lambda x, y: _compared(x < y)),
    "xor": (0x00, 4, lambda x, y: x ^ y),
    "srl": (0x00, 5, lambda x, y: x >> y[:5]),
    "sra": (0x20, 5, lambda x, y: x.as_signed() >> y[:5]),
    "or": (0x00, 6, lambda x, y: x | y),
    "and": (0x00, 7, lambda x, y: x & y),
}

_BRANCHES: dict[str, tuple[int, Callable[[Value, Value], Value]]] = {
    "beq": (0, lambda x, y: x == y),
    "bne": (1, lambda x, y: x != y),
    "blt": (4, _less),
    "bge": (5, lambda x, y: ~_less(x, y)),
    "bltu": (6, lambda x, y: x < y),
    "bgeu": (7, lambda x, y: ~(x < y)),
}


def _register_rows():
    for name, (high, funct3, operation) in _ARITHMETIC.items():
        effects = _value(lambda o, f=operation: f(o.a, o.b))
        yield name, Row(f"{high:07b}----------{funct3:03b}-----0110011", "12d", effects)


def _immediate_rows():
    yield "lui", Row("-------------------------0110111", "d", _value(lambda o: o.upper))
    yield "auipc", Row("-------------------------0010111", "d", _value(lambda o: o.upper + o.pc))
    for name, (high, funct3, operation) in _ARITHMETIC.items():
        if name == "sub":
            continue
        if name in ("sll", "srl", "sra"):
            effects = _value(lambda o, f=operation: f(o.a, o.shamt))
            top = f"{high:07b}-----"
        else:
            effects = _value(lambda o, f=operation: f(o.a, _word(o.i)))
            top = "-" * 12
        immediate_name = "sltiu" if name == "sltu" else f"{name}i"
        yield immediate_name, Row(f"{top}-----{funct3:03b}-----0010011", "1d", effects)


def _goes(target: Value, taken: Value | int = 1) -> dict[str, Any]:
    """Effects of a jump, if it is taken; the target must be a multiple of 4."""
    return {"traps": (target[:2] != 0) & taken, "cause": FETCH_MISALIGNED, "pc": target}


def _jump_rows():
    def link(o):
        return {"value": (o.pc + 4)[:32]}

    def jalr(o):
        return link(o) | _goes(Cat(Const(0, 1), (o.a + o.i)[1:32]))

    def branch(o, condition):
        taken = condition(o.a, o.b)
        return _goes(o.branch_target, taken) | {
            "pc": Mux(taken, o.branch_target, (o.pc + 4)[:32]),
        }

    yield (
        "jal",
        Row("-------------------------1101111", "d", lambda o: link(o) | _goes(o.jump_target)),
    )
    yield "jalr", Row("-----------------000-----1100111", "1d", jalr)
    for name, (funct3, condition) in _BRANCHES.items():
        pattern = f"-----------------{funct3:03b}-----1100011"
        yield name, Row(pattern, "12", lambda o, c=condition: branch(o, c))


def _access(o: Operands, offset: Value, size: int, misaligned: int, fault: int) -> dict[str, Any]:
    """Address and traps of an access. Devices and main memory may answer with an error."""
    address = (o.a + offset)[:32]

    def within(base, length):
        return (address >= base) & (address < base + length)

    tcdm = within(TCDM_BASE, o.config.tcdm.bytes)
    others = within(DEVICE_BASE, DEVICE_BYTES) | within(MAIN_BASE, o.config.main_bytes)
    is_misaligned = (address & (size - 1)) != 0
    return {
        "address": address,
        "traps": is_misaligned | ~(tcdm | others),
        "may_trap": others,
        "cause": Mux(is_misaligned, misaligned, fault),
    }


def _load_rows():
    def load(o, size, is_signed):
        narrow = o.loaded[: 8 * size]
        value = narrow.as_signed() if is_signed else narrow
        return _access(o, o.i, size, LOAD_MISALIGNED, LOAD_FAULT) | {
            "reads": (1 << size) - 1,
            "value": _word(value),
        }

    loads = {"lb": (0, 1, True), "lh": (1, 2, True), "lw": (2, 4, False)}
    for name, (funct3, *kind) in (loads | {"lbu": (4, 1, False), "lhu": (5, 2, False)}).items():
        pattern = f"-----------------{funct3:03b}-----0000011"
        yield name, Row(pattern, "1d", lambda o, k=kind: load(o, *k))


def _store_rows():
    def store(o, size):
        return _access(o, o.s, size, STORE_MISALIGNED, STORE_FAULT) | {
            "writes": (1 << size) - 1,
            "stored": o.b[: 8 * size],
        }

    for funct3, name in enumerate(("sb", "sh", "sw")):
        pattern = f"-----------------{funct3:03b}-----0100011"
        yield name, Row(pattern, "12", lambda o, s=1 << funct3: store(o, s))


def _multiply_rows():
    names = ("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu")
    for funct3, name in enumerate(names):
        constants = PRODUCTS if funct3 < 4 else QUOTIENTS
        operation = Const(funct3, 3)
        effects = _value(lambda o, op=operation, k=constants: mixture(o.a, o.b, op, k))
        yield name, Row(f"0000001----------{funct3:03b}-----0110011", "12d", effects)


def _system_rows():
    def word(funct12):
        return f"{funct12:012b}00000000000001110011"

    def trap(cause):
        return lambda o: {"traps": 1, "cause": cause}

    def nothing(o):
        return {}

    def csr(o):
        return {"any_rd": 1, "may_trap": 1, "cause": ILLEGAL}

    yield "fence", Row("-----------------000-----0001111", "", nothing)
    yield "fence_i", Row("-----------------001-----0001111", "", nothing)
    yield "ecall", Row(word(0x000), "", trap(ECALL))
    yield "ebreak", Row(word(0x001), "", trap(BREAKPOINT))
    yield "mret", Row(word(0x302), "", lambda o: {"any_pc": 1})
    yield "wfi", Row(word(0x105), "", nothing)
    for funct3, name in enumerate(("csrrw", "csrrs", "csrrc"), start=1):
        yield name, Row(f"-----------------{funct3:03b}-----1110011", "1d", csr)
        yield f"{name}i", Row(f"-----------------{funct3 | 4:03b}-----1110011", "d", csr)


GROUPS: dict[str, tuple[str, ...]] = {}
"""Names of the instructions by group."""

ROWS: dict[str, Row] = {}
"""Every instruction that RV32IM_Zicsr_Zifencei has in machine mode."""

for _group, _rows in {
    "register": _register_rows,
    "immediate": _immediate_rows,
    "jump": _jump_rows,
    "load": _load_rows,
    "store": _store_rows,
    "multiply": _multiply_rows,
    "system": _system_rows,
}.items():
    _made = dict(_rows())
    GROUPS[_group] = tuple(_made)
    ROWS |= _made


class Spec(wiring.Component):
    """Say what an instruction is expected to do.

    Parameters
    ----------
    names
        Instructions that it knows, of `ROWS`.
    config
        Sizes of TCDM and main memory.

    Members
    -------
    insn, pc, a, b, loaded : In(32), as in `Operands`
    known : Out(1), `insn` is one of those
    expected : Out(Expected), when it is
    """

    def __init__(self, names, *, config: ClusterConfig):
        self._rows = [ROWS[name] for name in names]
        self._config = config
        words = {name: In(32) for name in ("insn", "pc", "a", "b", "loaded")}
        super().__init__({**words, "known": Out(1), "expected": Out(Expected)})

    def elaborate(self, platform):
        m = Module()
        operands = Operands(
            insn=self.insn,
            pc=self.pc,
            a=self.a,
            b=self.b,
            loaded=self.loaded,
            config=self._config,
        )
        insn, e = self.insn, self.expected
        m.d.comb += e.pc.eq(self.pc + 4)
        with m.Switch(insn):
            for row in self._rows:
                with m.Case(row.pattern):
                    m.d.comb += self.known.eq(1)
                    if "1" in row.registers:
                        m.d.comb += e.rs1.eq(insn[15:20])
                    if "2" in row.registers:
                        m.d.comb += e.rs2.eq(insn[20:25])
                    if "d" in row.registers:
                        m.d.comb += e.rd.eq(insn[7:12])
                    for name, value in row.effects(operands).items():
                        m.d.comb += e[name].eq(value)
        return m
