"""`heed bench`: cycles measured on the RTL."""

from heed.errors import HeedError

NAME = "bench"


def command() -> None:
    """Measure the network layer by layer on every preset."""
    raise HeedError("nothing to measure yet")
