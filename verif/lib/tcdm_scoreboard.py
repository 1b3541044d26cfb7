"""What a scratchpad may do with its masters' requests, checked cycle by cycle."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hw.config import WORD_BYTES, TcdmConfig
from hw.tcdm.bus import TcdmOp
from sw_model.tcdm import TcdmImage, locate
from verif.lib.tcdm_atomics import AMOS, ReservedWords, amo


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
    master and no two grants share a bank, but in the cycle after an AMO its bank grants nobody; a
    response comes exactly one cycle after its grant, to its master, and there is no other; loads
    return what all earlier requests left (order per master and between masters), and AMOs the word
    before them; a store-conditional stores and answers 0 exactly when its hart's reservation is of
    that word, else it answers 1; nobody waits for more than `masters - 1` cycles in which its bank
    was not busy with an AMO.

    Parameters
    ----------
    config
        The scratchpad.
    masters
        Number of masters.
    image
        What the memory holds at the start, and after every cycle; zeros when left out.
    harts
        How many of the masters, the first ones, have a reservation.

    Attributes
    ----------
    granted : list of int
        Requests served, for each master.
    longest_wait : int
        Cycles that a request waited at most, those in which its bank was busy left out.
    served : Counter
        Requests by their operation's name; store-conditionals as `succeeded` and `failed` besides.
    outstanding : list of bool
        Which masters are owed a response in the next cycle.
    """

    def __init__(
        self,
        config: TcdmConfig,
        masters: int,
        image: TcdmImage | None = None,
        *,
        harts: int = 0,
    ) -> None:
        self.image = image or TcdmImage(config)
        self.served: Counter[str] = Counter()
        self.granted = [0] * masters
        self.answered = [0] * masters
        self.longest_wait = 0
        self.cycles = 0
        self._masters = masters
        self._banks = [locate(config, offset)[0] for offset in range(0, config.bytes, WORD_BYTES)]
        self._reserved = ReservedWords(harts)
        self._busy: set[int] = set()  # banks that write what an AMO of the last cycle made
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
        asked, served, busy = set(), {}, set()
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
                self._require(bank not in self._busy, master, f"is granted bank {bank} in its AMO")
                served[bank] = master
                if request.op in AMOS:
                    busy.add(bank)
                self._serve(master, request)
            elif bank not in self._busy:
                self._waits[master] += 1
                self._require(
                    self._waits[master] < self._masters,
                    master,
                    f"has waited for {self._waits[master]} cycles, more than {self._masters - 1}",
                )
        idle = asked - served.keys() - self._busy
        if idle:
            raise AssertionError(
                f"cycle {self.cycles}: bank {min(idle)} is asked but grants nobody"
            )
        self._busy = busy
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
        op, low = request.op, request.addr // WORD_BYTES * 2  # number of the 32-bit word
        upper = request.strobe >> 4 & 1  # the half of an atomic
        word = self.image.load(request.addr)
        self._due[master] = word
        if op is TcdmOp.STORE:
            self._due[master] = -1
            self._store(master, request.addr, request.data, request.strobe)
        elif op is TcdmOp.LR:
            self._reserved.reserve(master, low + upper)
        elif op is TcdmOp.SC:
            stores = self._reserved.release(master, low + upper)
            self._due[master] = 0 if stores else 1 << 32 | 1
            self.served["succeeded" if stores else "failed"] += 1
            if stores:
                self._store(master, request.addr, request.data, request.strobe)
        elif op in AMOS:
            shift = 32 * upper
            mask = (1 << 32) - 1
            result = amo(op, word >> shift & mask, request.data >> shift & mask)
            self._store(master, request.addr, result << shift, 0x0F << 4 * upper)
        self.served[op.name] += 1
        self.longest_wait = max(self.longest_wait, self._waits[master])
        self._waits[master] = 0
        self.granted[master] += 1

    def _store(self, master: int, addr: int, data: int, strobe: int) -> None:
        self.image.store(addr, data, strobe)
        for half in range(2):
            if strobe >> 4 * half & 0xF:
                self._reserved.written(master, addr // WORD_BYTES * 2 + half)

    def _require(self, condition: bool, master: int, complaint: str) -> None:
        if not condition:
            raise AssertionError(f"cycle {self.cycles}: master {master} {complaint}")
