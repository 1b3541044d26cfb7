"""One function after the other: how far its frames reach, and what it calls from where.

Every path through a function is followed with what is known of the registers (`registers`), through
branches, tables of jumps, hardware loops, frames that are set up with constants from registers, and
stacks that start-up code begins. What cannot be followed is a problem, never a guess.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from heed.audit.image import Image
from heed.audit.registers import (
    RA,
    SP,
    Kind,
    Registers,
    Value,
    after_call,
    at_entry,
    execute,
    join,
)
from sw_model.isa import csr, decode
from sw_model.isa.bits import MASK
from sw_model.isa.row import Decoded


@dataclass(frozen=True)
class Call:
    """A call, or a jump to another function.

    Parameters
    ----------
    at
        Address of the instruction.
    depth
        Bytes of the caller's frame at that moment.
    fresh
        Whether they lie on a stack that the caller began.
    target
        Address of the function; None for a pointer.
    table
        What the pointer can be, when it comes from an array of constants.
    """

    at: int
    depth: int
    fresh: bool
    target: int | None
    table: tuple[int, ...] = ()


@dataclass
class Function:
    """What a function does with the stack.

    Parameters
    ----------
    start
        Its address.
    depth
        Most bytes that it takes of the stack it was called on.
    fresh
        Most bytes of a stack that it begins itself; None when it begins none.
    calls
        What it calls, in no order.
    returns
        Whether it comes back.
    leaves_fresh
        Whether it comes back on another stack.
    is_handler
        Whether it ends with `mret`.
    taken, vectors
        Functions whose address it makes, and those that it makes the trap handler.
    problems
        What could not be followed.
    """

    start: int
    depth: int = 0
    fresh: int | None = None
    calls: set[Call] = field(default_factory=set)
    returns: bool = False
    leaves_fresh: bool = False
    is_handler: bool = False
    taken: set[int] = field(default_factory=set)
    vectors: set[int] = field(default_factory=set)
    problems: set[str] = field(default_factory=set)


class Walker:
    """Walks through the functions of an image.

    Parameters
    ----------
    image
    nowhere
        Names of functions that call where no code is, to try what traps.
    """

    def __init__(self, image: Image, nowhere: Collection[str] = ()):
        self.image = image
        self.nowhere = nowhere
        self.functions: dict[int, Function] = {}
        self.executed: set[int] = set()
        """Addresses of what is marked as data, but executed."""

    def function(self, start: int) -> Function:
        """Return what the function at an address does; walks through it the first time.

        Of a function that (by way of others) calls itself, the inner call sees what is known so
        far, and that it returns.
        """
        if start not in self.functions:
            found = self.functions[start] = Function(start, returns=True)
            _Walk(self, found).run()
        return self.functions[start]


class _Walk:
    def __init__(self, walker: Walker, function: Function):
        self.walker, self.image, self.found = walker, walker.image, function
        self.start, self.end = function.start, self.image.end_of(function.start)
        self.returns = False
        self.states: dict[int, Registers] = {}
        self.work: list[tuple[int, Registers]] = [(self.start, at_entry())]
        self.meetings, self.loops = self._prepare()

    def run(self) -> None:
        while self.work:
            pc, registers = self.work.pop()
            while pc is not None and self._arrive(pc, registers):
                pc = self._step(pc, registers)
        self.found.returns = self.returns

    def _inside(self, address: int) -> bool:
        return self.start <= address < self.end

    def _problem(self, pc: int, text: str) -> None:
        self.found.problems.add(f"{self.image.name_of(pc)} ({pc:#x}): {text}")

    def _prepare(self) -> tuple[set[int], dict[int, set[int]]]:
        """Find where paths meet, and the starts of the hardware loops that end at an address."""
        meetings, loops = set(), defaultdict(set)
        bounds = defaultdict(set)
        for pc in range(self.start, self.end, 4):
            i = decode(self.image.code.get(pc, 0))
            if i is None:
                continue
            for name in ("imm_b", "imm_j"):
                if name in i.row.fields:
                    meetings.add(pc + i.operand(name) & MASK)
            if i.name in ("cv.setup", "cv.setupi"):
                loops[pc + i.operand("far" if i.name == "cv.setup" else "near")].add(pc + 4)
            elif i.name in ("cv.starti", "cv.endi"):
                bounds[i.name, i.operand("loop")].add(pc + i.operand("far"))
            elif i.name in ("cv.start", "cv.end"):
                self._problem(pc, "a hardware loop with bounds from registers")
        for (name, loop), ends in list(bounds.items()):
            for end in ends if name == "cv.endi" else ():
                loops[end] |= bounds["cv.starti", loop]
        return meetings.union(*loops.values()), loops

    def _arrive(self, pc: int, registers: Registers) -> bool:
        """Join what other paths know at a place; False when this one adds nothing."""
        if pc not in self.meetings:
            return True
        known = self.states.get(pc)
        if known is not None:
            joined = join(known, registers)
            if known[SP] != registers[SP] and known[SP] and registers[SP]:
                self._problem(pc, "paths meet with different stack pointers")
            if joined == known:
                return False
            registers[:] = joined
        self.states[pc] = list(registers)
        return True

    def _step(self, pc: int, registers: Registers) -> int | None:
        """Execute one instruction; return the next address, None where this path ends."""
        i = decode(self.image.code.get(pc, 0))
        if not self._inside(pc):
            self._call(pc, pc, registers, ends=True)
            return None
        if pc in self.image.inline:
            self.walker.executed.add(pc)
        if i is None:
            return None  # no instruction: reported as such
        if i.name in ("jal", "jalr"):
            return self._jump(i, pc, registers)
        if i.name == "mret":
            self.found.is_handler = True
            return None
        if "imm_b" in i.row.fields:
            self._branch(pc, pc + i.operand("imm_b") & MASK, registers)
            return pc + 4
        if i.name == "csrrw" and i.operand("csr") == csr.MTVEC:
            value = registers[i.rs1]
            if value is not None and value.kind is Kind.CONSTANT:
                self.found.vectors.add(value.number & ~3)
        before = registers[SP]
        execute(i, pc, registers)
        if registers[SP] != before:
            self._move_stack(pc, registers)
        if i.name == "addi" and (made := registers[i.rd]) and made.kind is Kind.CONSTANT:
            if made.number in self.image.code and made.number in self.image.names:
                self.found.taken.add(made.number)
        for start in self.loops.get(pc + 4, ()):
            self.work.append((start, list(registers)))
        return pc + 4

    def _move_stack(self, pc: int, registers: Registers) -> None:
        value = registers[SP]
        if value is not None and value.kind in (Kind.CONSTANT, Kind.NEAR):
            value = registers[SP] = Value(Kind.FRESH, 0)
        if value is None or not value.on_stack:
            registers[SP] = None
            self._problem(pc, "the stack pointer moves by an amount that is not known")
        elif value.kind is Kind.FRESH:
            self.found.fresh = max(self.found.fresh or 0, -value.number)
        else:
            self.found.depth = max(self.found.depth, -value.number)

    def _branch(self, pc: int, target: int, registers: Registers) -> None:
        if self._inside(target):
            self.work.append((target, list(registers)))
        else:
            self._call(pc, target, registers, ends=True)

    def _jump(self, i: Decoded, pc: int, registers: Registers) -> int | None:
        if i.name == "jal":
            target = pc + i.operand("imm_j") & MASK
        else:
            base = registers[i.rs1]
            known = base is not None and base.kind is Kind.CONSTANT
            target = base.number + i.operand("imm_i") & MASK & ~1 if known else None
        if i.rd != 0:
            table = self._table(registers[i.rs1]) if i.name == "jalr" else ()
            back = self._call(pc, target, registers, ends=False, table=table)
            return pc + 4 if back else None
        if target is None and i.rs1 == RA:
            self._return(pc, registers)
        elif target is None:
            self._jump_by_pointer(pc, registers[i.rs1], registers)
        elif self._inside(target):
            self.meetings.add(target)
            self.work.append((target, registers))
        else:
            self._call(pc, target, registers, ends=True)
        return None

    def _return(self, pc: int, registers: Registers) -> None:
        value = registers[SP]
        self.returns = True
        if value is not None and value.kind is Kind.FRESH:
            self.found.leaves_fresh = True
        elif value != Value(Kind.STACK, 0):
            self._problem(pc, "returns with another stack pointer")

    def _jump_by_pointer(self, pc: int, value: Value | None, registers: Registers) -> None:
        """A table of jumps, if the image has words that point into this function; or a call."""
        words = self.image.words
        places = {word for word in words.values() if self.start < word < self.end}
        for place in sorted(places & self.image.code.keys()):
            self.meetings.add(place)
            self.work.append((place, list(registers)))
        is_table = value is not None and value.kind is Kind.LOADED
        if not (is_table and words.get(value.number) in places):
            self._call(pc, None, registers, ends=True, table=self._table(value))

    def _table(self, value: Value | None) -> tuple[int, ...]:
        """What a pointer can be: all of the array of constants that it was loaded from."""
        if value is None or value.kind is not Kind.LOADED:
            return ()
        words = self.image.tables.get(value.number, ())
        return words if all(word in self.image.names for word in words) else ()

    def _call(
        self,
        pc: int,
        target: int | None,
        registers: Registers,
        *,
        ends: bool,
        table: tuple[int, ...] = (),
    ) -> bool:
        """Note a call and change what is known; return whether it comes back here.

        With `ends` it is the last thing that the function does.
        """
        value = registers[SP]
        fresh = value is not None and value.kind is Kind.FRESH
        if value is None or not value.on_stack:
            self._problem(pc, "calls with a stack pointer that is not known")
            depth = self.found.depth
        else:
            depth = -value.number
        if target is not None and target not in self.image.code:
            if self.image.name_of(self.start) not in self.walker.nowhere:
                self._problem(pc, f"calls {target:#x}, where there is no code")
            return True
        self.found.calls.add(Call(pc, depth, fresh, target, () if target is not None else table))
        callee = self.walker.function(target) if target is not None else None
        leaves_fresh = callee is not None and callee.leaves_fresh
        comes_back = callee is None or callee.returns
        if ends:
            self.returns |= comes_back
            self.found.leaves_fresh |= leaves_fresh or (fresh and comes_back)
        registers[:] = after_call(registers)
        if leaves_fresh:
            registers[SP] = Value(Kind.FRESH, 0)
            self.found.fresh = self.found.fresh or 0
        return comes_back
