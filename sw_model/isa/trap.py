"""Exceptions of the machine."""

import enum


class Cause(enum.IntEnum):
    """Exception codes of `mcause`."""

    FETCH_MISALIGNED = 0
    FETCH_FAULT = 1
    ILLEGAL = 2
    BREAKPOINT = 3
    LOAD_MISALIGNED = 4
    LOAD_FAULT = 5
    STORE_MISALIGNED = 6
    STORE_FAULT = 7
    ECALL = 11


class Trap(Exception):
    """Raised by an instruction that cannot be performed.

    Parameters
    ----------
    cause
        A `Cause`.
    value
        What `mtval` gets.
    """

    def __init__(self, cause: Cause, value: int = 0):
        super().__init__(f"{cause.name} {value:#x}")
        self.cause = cause
        self.value = value
