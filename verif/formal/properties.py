"""Properties that several proofs share: streams, TCDM ports, waiting."""

from amaranth.hdl import Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import Out

from verif.formal.harness import Bench


def stream_rules(bench: Bench, port):
    """Return the two rules of a stream: a refused item stays valid, and stays as it is."""
    payload = Value.cast(port.payload)
    refused = bench.past(port.valid & ~port.ready)
    return ~refused | port.valid, ~refused | (payload == bench.past(payload))


def check_stream(bench: Bench, name: str, port) -> None:
    """Check that the component keeps the stream rules at an output."""
    valid, payload = stream_rules(bench, port)
    bench.check(f"{name}_stays_valid", valid)
    bench.check(f"{name}_stays_as_it_is", payload)
    bench.cover(f"{name}_is_refused", bench.past(port.valid & ~port.ready))
    bench.cover(f"{name}_flows", bench.past(port.valid) & port.valid & port.ready)


def assume_stream(bench: Bench, port) -> None:
    """Assume that whoever drives the stream keeps its rules."""
    for rule in stream_rules(bench, port):
        bench.assume(rule)


def streams_of(component):
    """Yield every stream of a component: its name, whether it goes out, and the stream."""

    def walk(signature, value, path, outward):
        for name, member in signature.members.items():
            flows_out = outward == (member.flow == Out)
            if member.is_signature:
                yield from arrays(
                    member, getattr(value, name), [*path, name], flows_out, member.dimensions
                )

    def arrays(member, value, path, flows_out, dimensions):
        if dimensions:
            for index in range(dimensions[0]):
                yield from arrays(
                    member, value[index], [*path, str(index)], flows_out, dimensions[1:]
                )
        elif isinstance(member.signature, stream.Signature):
            yield "_".join(path), flows_out, value
        else:
            yield from walk(member.signature, value, path, flows_out)

    yield from walk(component.signature, component, [], True)


def keep_stream_rules(bench: Bench, component, *, leave_out=()) -> None:
    """Check the rules at every output stream, given that every input stream keeps them."""
    for name, outward, port in streams_of(component):
        if name in leave_out:
            continue
        if outward:
            check_stream(bench, name, port)
        else:
            assume_stream(bench, port)


def assume_answers(bench: Bench, port) -> None:
    """Assume of a TCDM (or other bus of fixed latency) one response a cycle after each request."""
    bench.assume(port.rsp.valid == bench.past(port.req.valid & port.req.ready))


def check_answers(bench: Bench, name: str, port) -> None:
    """Check that each request taken gets one response, a cycle later, and nothing else does."""
    taken = bench.past(port.req.valid & port.req.ready)
    bench.check(f"{name}_is_answered", ~taken | port.rsp.valid)
    bench.check(f"{name}_has_no_other_answer", taken | ~port.rsp.valid)
    bench.cover(f"{name}_answers_in_a_row", bench.past(port.rsp.valid) & port.rsp.valid)


def check_wait(bench: Bench, name: str, asking, served, limit: int, *, counts=1) -> Signal:
    """Check that who asks is served after at most `limit` cycles (or events `counts`) of waiting.

    The limit is met by some run: that is a cover. Returns how long it has waited.
    """
    waited = Signal(range(limit + 3), name=f"{name}_waited")
    bench.m.d.sync += waited.eq(waited + (waited <= limit) * counts)
    with bench.m.If(~asking | served):
        bench.m.d.sync += waited.eq(0)
    bench.check(name, ~asking | served | (waited + counts <= limit))
    bench.check(f"{name}_counter", waited <= limit)
    bench.cover(f"{name}_met", asking & served & (waited == limit))
    return waited


def assume_answering(bench: Bench, port):
    """Assume that a bus answers each request once, any number of cycles later, never unasked.

    Also that no request is taken while one is outstanding, but for the cycle of its response.
    Returns whether a request is outstanding.
    """
    outstanding = Signal(name="outstanding")
    taken = port.req.valid & port.req.ready
    with bench.m.If(taken):
        bench.m.d.sync += outstanding.eq(1)
    with bench.m.Elif(port.rsp.valid):
        bench.m.d.sync += outstanding.eq(0)
    bench.assume(~port.rsp.valid | outstanding)
    return outstanding
