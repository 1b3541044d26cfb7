"""TCDM traffic: random streams of requests and idle cycles, programs, masters that issue them."""

from collections.abc import Callable, Generator, Iterator
from random import Random

from hw.config import WORD_BYTES, TcdmConfig
from hw.tcdm.bus import TcdmOp
from sw_model.tcdm import offset_of
from verif.lib.tcdm_atomics import AMOS
from verif.lib.tcdm_scoreboard import Request

Stream = Iterator[Request | None]
"""Requests in order, None for an idle cycle; endless."""

Program = Generator[Request | None, int, None]
"""Requests in order, None for an idle cycle; gets the word of each response."""

UNDIVIDED = [TcdmOp.LOAD] * 20 + [TcdmOp.STORE] * 20 + [TcdmOp.LR, TcdmOp.SC] * 5
"""Operations that take their bank for one cycle, with weights."""

OPS = UNDIVIDED + AMOS


def uniform(config: TcdmConfig, rng: Random) -> Stream:
    """Anything but AMOs, anywhere, always asking."""
    while True:
        yield _request(rng, rng.randrange(config.bytes))


def bursty(config: TcdmConfig, rng: Random) -> Stream:
    """Anything but AMOs, anywhere, in bursts with idle cycles between them."""
    while True:
        for _ in range(rng.randrange(1, 12)):
            yield _request(rng, rng.randrange(config.bytes))
        for _ in range(rng.randrange(1, 12)):
            yield None


def hot_bank(config: TcdmConfig, rng: Random) -> Stream:
    """Everybody asks for bank 1, always, but not for AMOs."""
    while True:
        yield _request(rng, offset_of(config, 1, rng.randrange(config.bank_depth)))


def hot_words(config: TcdmConfig, rng: Random) -> Stream:
    """Few words that everybody reads and writes, with idle cycles."""
    words = [config.bytes // 4 + 8 * i for i in range(3)]
    while True:
        yield _request(rng, rng.choice(words) + rng.randrange(WORD_BYTES), OPS)
        if rng.random() < 0.3:
            yield None


def atomics(config: TcdmConfig, rng: Random) -> Stream:
    """Reservations of few words and what may break them; AMOs one after the other."""
    words = [config.bytes // 4 + WORD_BYTES * step for step in (0, 1, config.banks)]
    while True:
        word, strobe = rng.choice(words), rng.choice((0x0F, 0xF0))
        yield _request(rng, word, [TcdmOp.LR])._replace(strobe=strobe)
        for _ in range(rng.choice((0, 0, 0, 1, 3))):
            other = rng.choice(words) + rng.randrange(WORD_BYTES)
            yield rng.choice((None, None, _request(rng, other, OPS), _request(rng, word, AMOS)))
        if rng.random() < 0.1:
            word, strobe = rng.choice(words), rng.choice((0x0F, 0xF0))
        yield _request(rng, word, [TcdmOp.SC])._replace(strobe=strobe)
        for _ in range(rng.choice((0, 1, 4))):
            yield rng.choice((None, _request(rng, word, AMOS)))


def beats(config: TcdmConfig, rng: Random) -> Stream:
    """Consecutive words from a random place on, always asking: like a streamer."""
    while True:
        start = rng.randrange(0, config.bytes, 64)
        op = rng.choice([TcdmOp.LOAD, TcdmOp.STORE])
        for step in range(64):
            yield _request(rng, (start + WORD_BYTES * step) % config.bytes, [op])


def mixed(config: TcdmConfig, rng: Random) -> Stream:
    """A while of each of the others, in random order."""
    makers = (uniform, bursty, hot_bank, hot_words, atomics, beats)
    streams = [make(config, rng) for make in makers]
    while True:
        stream = rng.choice(streams)
        for _ in range(rng.randrange(1, 60)):
            yield next(stream)


def silent(config: TcdmConfig, rng: Random) -> Stream:
    """Asks for nothing."""
    while True:
        yield None


PATTERNS: dict[str, Callable[[TcdmConfig, Random], Stream]] = {
    make.__name__: make for make in (uniform, bursty, hot_bank, hot_words, atomics, beats, mixed)
}


def adding(addr: int, strobe: int, numbers: list[int]) -> Program:
    """Add numbers to a 32-bit word with AMOs."""
    for number in numbers:
        yield Request(TcdmOp.AMO_ADD, addr, number << 32 | number, strobe)


def conditionally_adding(addr: int, strobe: int, numbers: list[int], rng: Random) -> Program:
    """Add numbers to a 32-bit word with LR and SC, each tried until it succeeds."""
    for number in numbers:
        while True:
            word = yield Request(TcdmOp.LR, addr, 0, strobe)
            total = (word >> (0 if strobe & 1 else 32)) + number & (1 << 32) - 1
            for _ in range(rng.randrange(3)):
                yield None
            word = yield Request(TcdmOp.SC, addr, total << 32 | total, strobe)
            if not word & 1:
                break


class Masters:
    """Masters that follow the bus rules: a request stays until it is taken.

    Parameters
    ----------
    streams
        What each master issues.

    Attributes
    ----------
    requests : list of Request or None
        What each master asks in this cycle.
    """

    def __init__(self, streams: list[Stream]) -> None:
        self.streams = streams
        self.requests = [next(stream) for stream in streams]

    @property
    def done(self) -> bool:
        """Whether nothing is left to do, ever."""
        return False

    @property
    def valid(self) -> int:
        """One bit for each master that asks."""
        return sum(1 << i for i, request in enumerate(self.requests) if request is not None)

    def advance(self, ready: int, rsp_valid: int = 0, rsp_data: int = 0) -> None:
        """Go on to the next cycle, given who was granted in this one, and the responses in it."""
        for master, request in enumerate(self.requests):
            if request is None or ready >> master & 1:
                self.requests[master] = next(self.streams[master])

    def stop(self) -> None:
        """Ask for nothing more once what waits is taken."""
        self.streams = [silent(None, None) for _ in self.streams]


class Programs(Masters):
    """Masters that wait for each response, and decide by it what comes next.

    Parameters
    ----------
    programs
        What each master does.
    """

    def __init__(self, programs: list[Program]) -> None:
        super().__init__([silent(None, None) for _ in programs])
        self._programs: list[Program | None] = list(programs)
        self._answered = [True] * len(programs)
        self.requests = [self._next(master, None) for master in range(len(programs))]

    @property
    def done(self) -> bool:
        return not any(self._programs)

    def advance(self, ready: int, rsp_valid: int = 0, rsp_data: int = 0) -> None:
        for master, request in enumerate(self.requests):
            if not self._answered[master]:
                assert rsp_valid >> master & 1, f"master {master} got no response"
                self._answered[master] = True
                self.requests[master] = self._next(master, rsp_data >> 64 * master)
            elif request is None:
                self.requests[master] = self._next(master, None)
            elif ready >> master & 1:
                self.requests[master] = None
                self._answered[master] = False

    def _next(self, master: int, word: int | None) -> Request | None:
        program = self._programs[master]
        try:
            return program and program.send(None if word is None else word & (1 << 64) - 1)
        except StopIteration:
            self._programs[master] = None
            return None


def _request(rng: Random, addr: int, ops: list[TcdmOp] = UNDIVIDED) -> Request:
    op = rng.choice(ops)
    strobe = rng.getrandbits(8)
    if op not in (TcdmOp.LOAD, TcdmOp.STORE):
        strobe = rng.choice((0x0F, 0xF0))
    return Request(op, addr, rng.getrandbits(64), strobe)
