"""What a scratchpad may do with its masters' requests, checked cycle by cycle."""

from collections.abc import Sequence
from typing import NamedTuple

from hw.config import WORD_BYTES, TcdmConfig
from hw.tcdm.bus import TcdmOp
from sw_model.tcdm import TcdmImage, locate


class Request(NamedTuple):
    """One TCDM request of a master."""

    op: TcdmOp
    addr: int
    data: int = 0
    strobe: int = 0

    def pack(self, addr_width: int) -> int:
        """Return the bits of a `TcdmRequest`, first field lowest."""
        high = self.strobe << 64 | self.data
        return (high << addr_width | self.addr) << 4 | self.op.value


class Scoreboard:
    """Compares a scratchpad with a byte-exact memory that serves requests when granted.

    Checked in every cycle: a grant has a request; every bank that is asked grants exactly one
    master and no two grants share a bank; a response comes exactly one cycle after its grant, to
    its master, and there is no other; loads return what all earlier stores left (order per master
    and between masters); nobody waits for more than `masters - 1` cycles.

    Parameters
    ----------
    config
        The scratchpad.
    masters
        Number of masters.
    image
        What the memory holds at the start, and after every cycle; zeros when left out.

    Attributes
    ----------
    granted : list of int
        Requests served, for each master.
    longest_wait : int
        Cycles that a request waited at most.
    outstanding : list of bool
        Which masters are owed a response in the next cycle.
    """

    def __init__(self, config: TcdmConfig, masters: int, image: TcdmImage | None = None) -> None:
        self.image = image or TcdmImage(config)
        self.granted = [0] * masters
        self.answered = [0] * masters
        self.longest_wait = 0
        self.cycles = 0
        self._masters = masters
        self._banks = [locate(config, offset)[0] for offset in range(0, config.bytes, WORD_BYTES)]
        self._waits = [0] * masters
        self._due: list[int | None] = [None] * masters  # the word to answer with, -1 for any

    @property
    def outstanding(self) -> list[bool]:
        return [due is not None for due in self._due]

    def cycle(
        self, requests: Sequence[Request | None], ready: int, rsp_valid: int, rsp_data: int
    ) -> None:
        """Check one cycle: everything as sampled at its closing clock edge.

        Parameters
        ----------
        requests
            What each master asks; None when its `valid` is low.
        ready, rsp_valid
            One bit a master.
        rsp_data
            64 bits a master, master 0 lowest.

        Raises
        ------
        AssertionError
            Naming the cycle, the master and the rule that was broken.
        """
        for master in range(self._masters):
            valid = bool(rsp_valid >> master & 1)
            self._check_response(master, valid, rsp_data >> 64 * master & (1 << 64) - 1)
        asked, served = set(), {}
        for master, request in enumerate(requests):
            taken = ready >> master & 1
            if request is None:
                self._require(not taken, master, "is granted without a request")
                continue
            bank = self._banks[request.addr // WORD_BYTES]
            asked.add(bank)
            if taken:
                self._require(
                    bank not in served,
                    master,
                    f"is granted bank {bank} together with master {served.get(bank)}",
                )
                served[bank] = master
                self._serve(master, request)
            else:
                self._waits[master] += 1
                self._require(
                    self._waits[master] < self._masters,
                    master,
                    f"has waited for {self._waits[master]} cycles, more than {self._masters - 1}",
                )
        idle = asked - served.keys()
        if idle:
            raise AssertionError(
                f"cycle {self.cycles}: bank {min(idle)} is asked but grants nobody"
            )
        self.cycles += 1

    def finish(self) -> None:
        """Check that nothing is left to answer and that there was something to check."""
        for master, due in enumerate(self._due):
            self._require(due is None, master, "is still owed a response")
            self._require(
                self.granted[master] == self.answered[master],
                master,
                f"got {self.answered[master]} responses to {self.granted[master]} requests",
            )
        assert sum(self.granted), "no request was granted: nothing was tested"

    def _check_response(self, master: int, valid: bool, data: int) -> None:
        due, self._due[master] = self._due[master], None
        if due is None:
            self._require(not valid, master, "gets a response that it did not ask for")
            return
        self._require(valid, master, "gets no response one cycle after its grant")
        self._require(due in (-1, data), master, f"reads {data:#018x}, but memory has {due:#018x}")
        self.answered[master] += 1

    def _serve(self, master: int, request: Request) -> None:
        if request.op is TcdmOp.STORE:
            self.image.store(request.addr, request.data, request.strobe)
            self._due[master] = -1
        else:  # atomics read and write nothing until banks execute them
            self._due[master] = self.image.load(request.addr)
        self.longest_wait = max(self.longest_wait, self._waits[master])
        self._waits[master] = 0
        self.granted[master] += 1

    def _require(self, condition: bool, master: int, complaint: str) -> None:
        if not condition:
            raise AssertionError(f"cycle {self.cycles}: master {master} {complaint}")
