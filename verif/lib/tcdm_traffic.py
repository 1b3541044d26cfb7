"""Random TCDM traffic: streams of requests and idle cycles, and masters that issue them."""

from collections.abc import Callable, Iterator
from random import Random

from hw.config import WORD_BYTES, TcdmConfig
from hw.tcdm.bus import TcdmOp
from sw_model.tcdm import offset_of
from verif.lib.tcdm_scoreboard import Request

Stream = Iterator[Request | None]
"""Requests in order, None for an idle cycle; endless."""

OPS = [TcdmOp.LOAD] * 20 + [TcdmOp.STORE] * 20 + list(TcdmOp)[2:]


def uniform(config: TcdmConfig, rng: Random) -> Stream:
    """Any operation anywhere, always asking."""
    while True:
        yield _request(rng, rng.randrange(config.bytes))


def bursty(config: TcdmConfig, rng: Random) -> Stream:
    """Any operation anywhere, in bursts with idle cycles between them."""
    while True:
        for _ in range(rng.randrange(1, 12)):
            yield _request(rng, rng.randrange(config.bytes))
        for _ in range(rng.randrange(1, 12)):
            yield None


def hot_bank(config: TcdmConfig, rng: Random) -> Stream:
    """Everybody asks for bank 1, always."""
    while True:
        yield _request(rng, offset_of(config, 1, rng.randrange(config.bank_depth)))


def hot_words(config: TcdmConfig, rng: Random) -> Stream:
    """Few words that everybody reads and writes, with idle cycles."""
    words = [config.bytes // 4 + 8 * i for i in range(3)]
    while True:
        yield _request(rng, rng.choice(words) + rng.randrange(WORD_BYTES))
        if rng.random() < 0.3:
            yield None


def beats(config: TcdmConfig, rng: Random) -> Stream:
    """Consecutive words from a random place on, always asking: like a streamer."""
    while True:
        start = rng.randrange(0, config.bytes, 64)
        op = rng.choice([TcdmOp.LOAD, TcdmOp.STORE])
        for step in range(64):
            yield _request(rng, (start + WORD_BYTES * step) % config.bytes, op)


def mixed(config: TcdmConfig, rng: Random) -> Stream:
    """A while of each of the others, in random order."""
    streams = [make(config, rng) for make in (uniform, bursty, hot_bank, hot_words, beats)]
    while True:
        stream = rng.choice(streams)
        for _ in range(rng.randrange(1, 60)):
            yield next(stream)


def silent(config: TcdmConfig, rng: Random) -> Stream:
    """Asks for nothing."""
    while True:
        yield None


PATTERNS: dict[str, Callable[[TcdmConfig, Random], Stream]] = {
    make.__name__: make for make in (uniform, bursty, hot_bank, hot_words, beats, mixed)
}


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
    def valid(self) -> int:
        """One bit for each master that asks."""
        return sum(1 << i for i, request in enumerate(self.requests) if request is not None)

    def advance(self, ready: int) -> None:
        """Go on to the next cycle, given who was granted in this one."""
        for master, request in enumerate(self.requests):
            if request is None or ready >> master & 1:
                self.requests[master] = next(self.streams[master])

    def stop(self) -> None:
        """Ask for nothing more once what waits is taken."""
        self.streams = [silent(None, None) for _ in self.streams]


def _request(rng: Random, addr: int, op: TcdmOp | None = None) -> Request:
    return Request(op or rng.choice(OPS), addr, rng.getrandbits(64), rng.getrandbits(8))
