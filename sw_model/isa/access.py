"""Loads, stores and atomics of a hart, with their exceptions."""

from collections.abc import Callable

from sw_model.isa.memory import AccessFault, Memory
from sw_model.isa.reservations import Reservations
from sw_model.isa.trap import Cause, Trap


class Access:
    """A hart's way to memory. Misaligned accesses trap before anything is asked of memory.

    Parameters
    ----------
    memory
        What it accesses.
    hart_id
        Whose reservation it uses.
    reservations
        Of all harts on this memory.
    """

    def __init__(self, memory: Memory, hart_id: int, reservations: Reservations):
        self._memory = memory
        self._hart_id = hart_id
        self._reservations = reservations

    def load(self, address: int, size: int) -> int:
        """Return an unsigned value."""
        if address % size:
            raise Trap(Cause.LOAD_MISALIGNED, address)
        try:
            return self._memory.load(address, size)
        except AccessFault:
            raise Trap(Cause.LOAD_FAULT, address) from None

    def store(self, address: int, size: int, value: int) -> None:
        """Write the low `size` bytes of a value."""
        if address % size:
            raise Trap(Cause.STORE_MISALIGNED, address)
        try:
            self._memory.store(address, size, value)
        except AccessFault:
            raise Trap(Cause.STORE_FAULT, address) from None
        self._reservations.written(address, self._hart_id)

    def load_reserved(self, address: int) -> int:
        """Load a word and reserve it."""
        if address % 4:
            raise Trap(Cause.LOAD_MISALIGNED, address)
        if not self._memory.is_atomic(address):
            raise Trap(Cause.LOAD_FAULT, address)
        self._reservations.reserve(self._hart_id, address)
        return self._memory.load(address, 4)

    def store_conditional(self, address: int, value: int) -> bool:
        """Store a word if this hart has it reserved; return whether it was."""
        self._check(address)
        if not self._reservations.take(self._hart_id, address):
            return False
        self.store(address, 4, value)
        return True

    def modify(self, address: int, operand: int, operation: Callable[[int, int], int]) -> int:
        """Replace a word by operation(word, operand); return what it was."""
        self._check(address)
        old = self._memory.load(address, 4)
        self.store(address, 4, operation(old, operand))
        return old

    def _check(self, address: int) -> None:
        """Refuse what SC and AMOs cannot access."""
        if address % 4:
            raise Trap(Cause.STORE_MISALIGNED, address)
        if not self._memory.is_atomic(address):
            raise Trap(Cause.STORE_FAULT, address)
