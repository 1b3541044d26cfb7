"""The engine's streams are proven on the benches of `attention_streams`."""

import pytest

from verif.formal.attention_streams import BENCHES, PROOF_DEPTH, SLOW_TO_REACH, bench
from verif.formal.harness import prove, reach, refuted

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", BENCHES)
def test_streams(name):
    prove(bench(name), f"attention-{name}", depth=PROOF_DEPTH.get(name, 3))


@pytest.mark.parametrize("name", sorted(BENCHES.keys() - SLOW_TO_REACH))
def test_covers(name):
    reach(bench(name), f"attention-{name}", depth=BENCHES[name][2])


PLANTED = [
    (
        "array",
        "self.i.ready.eq(self.o.ready | ~self.o.valid)",
        "self.i.ready.eq(1)",
        "nothing_lost",
    ),
    ("array", "self.o.valid.eq(self.i.valid)", "self.o.valid.eq(1)", "nothing_lost"),
    ("accumulator", "(~current.step.last | ~self.o.valid | self.o.ready)", "1", "nothing_lost"),
    ("accumulator", "with m.If(self.o.ready):", "with m.If(1):", "nothing_lost"),
    (
        "epilogue",
        "advance.eq(self.o.ready | ~self.o.valid)",
        "advance.eq(1)",
        "o_stays_valid",
    ),
    (
        "epilogue",
        "advance & residual_there & place.direct",
        "advance & place.direct",
        "busy_while_inside",
    ),
    ("epilogue", "row_there & joins", "joins", "a_residual_has_a_row"),
    ("exponential", "self.o.valid.eq(valid)", "self.o.valid.eq(1)", "a_row_for_each_row"),
    ("exponential", "summed.counts & summed.whole", "summed.whole", "a_mass_for_each_sum"),
    ("issue", "can_move.eq(~self.o.valid | self.o.ready)", "can_move.eq(1)", "o_stays_as_it_is"),
    ("issue", "(self.row != 0) | self.full", "1", "weights_that_are_there"),
    ("issue", "& has_row & ~has_weights", "& ~has_weights", "one_cause_a_cycle"),
    ("loader", "(left == 1) & asked", "left == 1", "command_stays_as_it_is"),
    ("loader", "& (free != 0)", "", "a_tile_finds_room"),
    ("answers", "room.eq(asked != taken ^ depth)", "room.eq(1)", "o_stays_as_it_is"),
    ("weights", "(left == 1) & asked", "left == 1", "command_stays_as_it_is"),
    ("weights", "with m.If(self.swap):", "with m.If(self.full):", "full_until_swapped"),
    ("elements", "asked & step_ends)", "step_ends)", "command_stays_as_it_is"),
    ("elements", "free.eq(~self.o.valid | self.o.ready)", "free.eq(1)", "o_stays_as_it_is"),
    (
        "parameters",
        "m.Elif(self.command.valid & self.command.ready)",
        "m.Elif(self.command.valid)",
        "command_stays_as_it_is",
    ),
    ("parameters", "gate_open & free &", "gate_open &", "taken_when_free"),
    ("walker", "(~wanted | ready).all()", "(~wanted | ready).any()", "epilogue_never_refused"),
    (
        "walker",
        "self.product.ready.eq(self.parameter.ready)",
        "self.product.ready.eq(1)",
        "parameter_never_refused",
    ),
    ("alternate", "self.i.valid & (asking == side)", "self.i.valid", "one_command_at_a_time"),
    ("alternate", "depth=WAITING", "depth=2", "finds_room_1"),
    ("reader", ".all() & inside.ready", ".any() & inside.ready", "read_1_never_refused"),
    ("reader", "free = free & ~self.command[client].valid", "pass", "one_command_at_a_time"),
    ("reader", "word.eq(port - first)", "word.eq(0)", "each_word_is_asked_for"),
    (
        "writer",
        "held_gone & write.ready & (place < held.count)",
        "held_gone & (place < held.count)",
        "each_word_once",
    ),
    ("writer", "& can_hold & ~self.word.valid &", "& can_hold &", "one_source_at_a_time"),
    ("writer", "append(ready[p] & p_first)", "append(p_first)", "each_word_once"),
    (
        "fence",
        "left.eq(self.pending[port] - performed)",
        "left.eq(0)",
        "not_before_it_is_performed",
    ),
    ("fence", "left.eq(left - 1)", "left.eq(0)", "not_before_it_is_performed"),
    ("fence", "with m.If(all_done):", "with m.If(0):", "all_is_done"),
    ("queue", "self.level != self._depth", "1", "room_is_used"),
    ("queue", "items[head]", "items[tail]", "in_order_and_unchanged"),
    (
        "queue_fall_through",
        "put.eq(self.i.valid & ~self.o.ready)",
        "put.eq(0)",
        "in_order_and_unchanged",
    ),
    (
        "port",
        "may_ask.eq((~self.bus.req.valid | self.bus.req.ready)",
        "may_ask.eq(1",
        "pending_is_counted",
    ),
    (
        "port",
        "ask_read.eq(may_ask & ~writes.o.valid & reads.o.valid & (room != 0))",
        "ask_read.eq(may_ask & ~writes.o.valid & reads.o.valid)",
        "an_answer_finds_room",
    ),
    (
        "port",
        "self.pending.eq(writes.level + storing)",
        "self.pending.eq(writes.level)",
        "pending_is_counted",
    ),
    ("port", "WRITES_WAITING - 1)", "WRITES_WAITING)", "room_if_not_crowded"),
    ("normalise", "advance.eq(~self.o.valid | self.o.ready)", "advance.eq(1)", "o_stays_as_it_is"),
    ("statistics", "advance.eq(~self.o.valid | self.o.ready)", "advance.eq(1)", "o_stays_as_it_is"),
]


@pytest.mark.parametrize("name, old, new, fails", PLANTED)
def test_planted(name, old, new, fails):
    broken = bench(name, old, new)
    assert refuted(broken, f"attention-{name}-planted", depth=BENCHES[name][2]) == fails
