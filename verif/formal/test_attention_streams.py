"""The engine's streams are proven on the benches of `attention_streams`."""

import pytest

from verif.formal.attention_streams import BENCHES
from verif.formal.harness import mutated, prove, reach, refuted

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", list(BENCHES))
def test_streams(name):
    make, component, _ = BENCHES[name]
    prove(make(component), f"attention-{name}", depth=3)


@pytest.mark.parametrize("name", list(BENCHES))
def test_covers(name):
    make, component, depth = BENCHES[name]
    reach(make(component), f"attention-{name}", depth=depth)


PLANTED = [
    (
        "array",
        "self.i.ready.eq(~self.o.valid | self.o.ready)",
        "self.i.ready.eq(1)",
        "nothing_lost",
    ),
    ("array", "self.o.valid.eq(self.i.valid)", "self.o.valid.eq(1)", "nothing_lost"),
    ("accumulator", "(~current.step.last | ~self.o.valid | self.o.ready)", "1", "nothing_lost"),
    ("accumulator", "with m.If(self.o.ready):", "with m.If(1):", "nothing_lost"),
    ("epilogue", "advance.eq(self.o.ready | ~self.o.valid)", "advance.eq(1)", "o_stays_as_it_is"),
    ("epilogue", "self.i.ready.eq(advance)", "self.i.ready.eq(1)", "busy_while_inside"),
    (
        "epilogue",
        "with m.If(clipped.valid & advance",
        "with m.If(clipped.valid",
        "o_stays_as_it_is",
    ),
    (
        "exponential",
        "self.i.ready.eq(~measured_valid | proceed)",
        "self.i.ready.eq(1)",
        "idle_means_empty",
    ),
    (
        "exponential",
        "with m.If(measured_valid & proceed)",
        "with m.If(measured_valid)",
        "o_stays_as_it_is",
    ),
    ("reciprocal", "with m.If(self.o.ready):", "with m.If(1):", "o_stays_valid"),
    ("issue", "can_move.eq(~self.o.valid | self.o.ready)", "can_move.eq(1)", "o_stays_valid"),
    (
        "loader",
        "m.Elif(self.command.valid & self.command.ready)",
        "m.Elif(self.command.valid)",
        "command_stays_as_it_is",
    ),
    (
        "weights",
        "m.If(self.command.valid & self.command.ready)",
        "m.If(self.command.valid)",
        "command_stays_as_it_is",
    ),
    (
        "parameters",
        "taken.eq(self.command.valid & self.command.ready)",
        "taken.eq(self.command.valid)",
        "command_stays_as_it_is",
    ),
    ("parameters", "(left != 0) & (room != 0)", "(left != 0)", "a_row_finds_room"),
    (
        "dividers",
        "with m.If(self.o.valid & self.o.ready)",
        "with m.If(self.o.valid)",
        "o_stays_as_it_is",
    ),
    ("walker", "& self.weight.ready", "", "weight_never_refused"),
    (
        "walker",
        "self.product.ready.eq(self.parameter.ready)",
        "self.product.ready.eq(1)",
        "parameter_never_refused",
    ),
    ("reader", ".all() & inside.i.ready", ".any() & inside.i.ready", "read_0_never_refused"),
    ("reader", "first = first & ~self.command[client].valid", "pass", "one_command_at_a_time"),
    (
        "writer",
        "held_gone & write.ready & (index < held.count)",
        "held_gone & (index < held.count)",
        "write_0_never_refused",
    ),
    ("writer", "~self.step.valid & can_hold", "can_hold", "one_source_at_a_time"),
    ("queue", "self.level != self._depth", "1", "room_is_used"),
    ("queue", "items[head]", "items[tail]", "in_order_and_unchanged"),
    (
        "port",
        "may_ask.eq((~self.bus.req.valid | self.bus.req.ready)",
        "may_ask.eq(1",
        "bus_req_stays_as_it_is",
    ),
    ("port", "reads.o.valid & (room != 0)", "reads.o.valid", "an_answer_finds_room"),
]


@pytest.mark.parametrize("name, old, new, fails", PLANTED)
def test_planted(name, old, new, fails):
    make, component, depth = BENCHES[name]
    broken = make(mutated(component, old, new))
    assert refuted(broken, f"attention-{name}-planted", depth=depth) == fails
