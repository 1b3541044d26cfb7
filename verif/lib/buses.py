"""Initiators and targets of the cluster's request and response buses, for Amaranth's simulator."""

import random
from collections.abc import Callable


async def request(ctx, stream, payload) -> int:
    """Offer a request until it is taken; returns the cycles that it waited."""
    ctx.set(stream.payload, payload)
    ctx.set(stream.valid, 1)
    waited = 0
    while True:
        _, _, ready = await ctx.tick().sample(stream.ready)
        if ready:
            break
        waited += 1
    ctx.set(stream.valid, 0)
    return waited


async def response(ctx, rsp, limit: int = 1000) -> tuple[int, int, int]:
    """Wait for a response; returns its data, its error and the cycles after the request's."""
    for cycles in range(1, limit):
        _, _, valid, data, error = await ctx.tick().sample(rsp.valid, rsp.data, rsp.error)
        if valid:
            return data, error, cycles
    raise AssertionError(f"no response within {limit} cycles")


async def access(ctx, port, payload) -> tuple[int, int, int]:
    """One request and its response: data, error and cycles from one to the other."""
    await request(ctx, port.req, payload)
    return await response(ctx, port.rsp)


def target(
    port,
    answer: Callable[[object], dict],
    *,
    seed: int = 0,
    ready: float = 1.0,
    delays: tuple[int, int] = (1, 1),
):
    """Return a testbench process that answers the requests on `port`, one at a time.

    It also checks that a request that waits stays as it is.

    Parameters
    ----------
    port
        A bus with `req` and `rsp`.
    answer
        Gets a request's payload; returns the values of the response's members, by name.
    seed
        Of the random readiness and delays.
    ready
        Probability of being ready in a cycle.
    delays
        Least and most cycles from a request to its response.
    """
    rng = random.Random(seed)

    async def process(ctx):
        waiting = None
        while True:
            is_ready = rng.random() < ready
            ctx.set(port.req.ready, is_ready)
            _, _, valid, payload = await ctx.tick().sample(port.req.valid, port.req.payload)
            ctx.set(port.rsp.valid, 0)
            if waiting is not None:
                assert valid, "a request was withdrawn"
                assert payload == waiting, "a waiting request changed"
            waiting = payload if valid and not is_ready else None
            if valid and is_ready:
                members = answer(payload)
                ctx.set(port.req.ready, 0)
                for _ in range(rng.randint(*delays) - 1):
                    await ctx.tick()
                ctx.set(port.rsp.valid, 1)
                for name, value in members.items():
                    ctx.set(getattr(port.rsp, name), value)

    return process
