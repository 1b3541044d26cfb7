"""The two hardware loops.

Heed's exact rule, also where the CV32E40P manual ("CORE-V Hardware Loop feature") calls programs
undefined: an instruction ends loop i when it retires, does not jump (a branch that is taken, a
jump, `mret` and `fence.i` do, wherever to), writes no loop register, lies right before the loop's
end, and the loop's count is not 0. Of two loops that it ends only loop 0 counts. The count goes
down by one, and if it was more than 1 the loop's start comes next.
"""

from dataclasses import dataclass

from sw_model.isa.bits import MASK


@dataclass
class Loop:
    """Registers of one loop; the addresses are multiples of 4."""

    start: int = 0
    end: int = 0
    count: int = 0

    def set(self, start: int | None, end: int | None, count: int | None) -> None:
        """Write the registers that are given; the low two bits of addresses are dropped."""
        if start is not None:
            self.start = start & MASK & ~3
        if end is not None:
            self.end = end & MASK & ~3
        if count is not None:
            self.count = count & MASK


class Loops(list[Loop]):
    """Loop 0 and loop 1."""

    def __init__(self):
        super().__init__((Loop(), Loop()))

    def after(self, next_pc: int) -> int:
        """Account for an instruction that goes on at the next one; return what comes next."""
        for loop in self:
            if loop.count and loop.end == next_pc:
                loop.count -= 1
                return loop.start if loop.count else next_pc
        return next_pc
