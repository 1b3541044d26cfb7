"""Instruction decoder: a table of encodings, one row an instruction."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.types import Control, ImmediateFormat


def _immediate_value(insn, format):
    sign = insn[31]
    match format:
        case ImmediateFormat.I:
            return Cat(insn[20:32], sign.replicate(20))
        case ImmediateFormat.S:
            return Cat(insn[7:12], insn[25:32], sign.replicate(20))
        case ImmediateFormat.B:
            return Cat(C(0, 1), insn[8:12], insn[25:31], insn[7], sign.replicate(20))
        case ImmediateFormat.U:
            return Cat(C(0, 12), insn[12:32])
        case ImmediateFormat.J:
            return Cat(C(0, 1), insn[21:31], insn[20], insn[12:20], sign.replicate(12))
        case ImmediateFormat.Z:
            return Cat(insn[15:20], C(0, 27))
        case ImmediateFormat.V:
            return Cat(insn[25], insn[20:25], insn[24].replicate(26))
        case ImmediateFormat.VU:
            return Cat(insn[25], insn[20:25], C(0, 26))


class Decoder(wiring.Component):
    """Gives the control word and the immediate of an instruction.

    Built from a table, so that an extension is a few more rows. What no row matches has
    `control.legal` low and every other field 0. Manual: RISC-V unprivileged ISA, "Instruction
    Set Listings".

    Parameters
    ----------
    instructions : sequence of Instruction
        The table; rows must not overlap.

    Members
    -------
    insn : In(32)
    control : Out(Control)
    immediate : Out(32), sign extended

    Timing
    ------
    Combinational.

    Raises
    ------
    ValueError
        When a pattern does not name 32 bits, or two rows match the same word.
    """

    def __init__(self, instructions):
        self._instructions = tuple(instructions)
        _check_table(self._instructions)
        super().__init__({"insn": In(32), "control": Out(Control), "immediate": Out(32)})

    def elaborate(self, platform):
        m = Module()
        groups = {}
        for row in self._instructions:
            bits = row.pattern.replace(" ", "")
            groups.setdefault(row.opcode, {}).setdefault(bits[17:20], []).append((bits, row))
        # Three levels: opcode, funct3, the rest. So a simulator compares a handful of patterns, and
        # the conversion to Verilog takes no time.
        rest = Cat(self.insn[7:12], self.insn[15:])
        with m.Switch(self.insn[:7]):
            for opcode, functions in groups.items():
                with m.Case(opcode), m.Switch(self.insn[12:15]):
                    for funct3, rows in functions.items():
                        with m.Case(funct3), m.Switch(rest):
                            for bits, row in rows:
                                with m.Case(bits[:17] + bits[20:25]):
                                    m.d.comb += self.control.eq(row.control)
        with m.Switch(self.control.immediate.as_value()):
            for format in ImmediateFormat:
                with m.Case(format.value):
                    m.d.comb += self.immediate.eq(_immediate_value(self.insn, format))
        return m


def _check_table(instructions):
    seen = []
    for row in instructions:
        bits = row.pattern.replace(" ", "")
        if len(bits) != 32 or set(bits) - set("01-") or "-" in row.opcode:
            raise ValueError(
                f"pattern of {row.name!r} is {row.pattern!r}, but must be 32 of 0, 1 and -, "
                "with a fixed opcode"
            )
        mask = int("".join("0" if bit == "-" else "1" for bit in bits), 2)
        match = int(bits.replace("-", "0"), 2)
        for name, other_mask, other_match in seen:
            if not (match ^ other_match) & mask & other_mask:
                raise ValueError(f"{row.name!r} and {name!r} match the same word")
        seen.append((row.name, mask, match))
