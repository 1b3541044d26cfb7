"""Round-robin arbiter."""

from functools import reduce
from operator import or_

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class RoundRobinArbiter(wiring.Component):
    """Picks one of several requests a cycle, in turn.

    The winner of a cycle is served in it and has the lowest priority in the next; the one after
    it in order of numbers (wrapping around) has the highest.

    Parameters
    ----------
    requests : int
        Number of requesters, at least 1.

    Members
    -------
    request : In; one bit each
    grant : Out; the winner's bit, or none when nobody asks
    winner : Out; the winner's number, 0 when nobody asks

    Timing
    ------
    `grant` and `winner` follow `request` combinationally. One grant in every cycle with a
    request; who keeps asking waits for at most `requests - 1` grants to others.

    Raises
    ------
    ValueError
        When `requests` is out of range.
    """

    def __init__(self, *, requests):
        if not isinstance(requests, int) or requests < 1:
            raise ValueError(f"requests is {requests!r}, but must be an integer of 1 or more")
        self.requests = requests
        numbers = range(max(requests, 2))  # one bit at least
        super().__init__({"request": In(requests), "grant": Out(requests), "winner": Out(numbers)})

    def elaborate(self, platform):
        m = Module()
        behind = Signal(self.requests)  # the requesters that come after the last winner
        preferred = Signal(self.requests)
        m.d.comb += [
            preferred.eq(self.request & behind),
            self.grant.eq(_lowest(Mux(preferred.any(), preferred, self.request))),
            self.winner.eq(Cat(_numbers_bit(self.grant, bit) for bit in range(len(self.winner)))),
        ]
        with m.If(self.request.any()):
            m.d.sync += behind.eq(-(self.grant << 1))
        return m


def _lowest(value):
    """Keep only the lowest set bit."""
    return (value & -value)[: len(value)]


def _numbers_bit(onehot, bit):
    """Bit `bit` of the number of the one set bit."""
    return reduce(or_, (onehot[i] for i in range(len(onehot)) if i >> bit & 1), C(0, 1))
