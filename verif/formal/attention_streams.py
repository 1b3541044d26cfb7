"""Benches of the engine's streams.

What is refused stays as it is; nothing is lost, doubled or made up.

The datapath is the smallest that a configuration allows. Multipliers are part of it: for these
properties the solver need not know what a product is.
"""

from amaranth.hdl import Signal, Value
from amaranth.lib import data

from hw.attention.datapath.accumulator import Accumulator
from hw.attention.datapath.array import DotArray
from hw.attention.datapath.epilogue import Epilogue
from hw.attention.datapath.issue import Issue
from hw.attention.queue import Queue
from hw.attention.softmax.dividers import Dividers
from hw.attention.softmax.exponential import Exponential
from hw.attention.softmax.reciprocal import Reciprocal
from hw.attention.steps import Load
from hw.attention.streams.loader import InputLoader
from hw.attention.streams.parameters import BEATS, ParameterUnit
from hw.attention.streams.port import Port
from hw.attention.streams.reader import RowReader
from hw.attention.streams.weights import WeightLoader
from hw.attention.streams.writer import Writer
from hw.attention.types import StepSums
from hw.attention.walk.walker import Walker
from hw.config import ClusterConfig, EngineConfig, TcdmConfig
from hw.tcdm.bus import TcdmOp
from verif.formal.harness import Bench
from verif.formal.properties import assume_answers, assume_stream, keep_stream_rules

ENGINE = EngineConfig(units=2, lanes=16)
CLUSTER = ClusterConfig(workers=1, tcdm=TcdmConfig(banks=8, bank_bytes=512), engine=ENGINE)


def steady(b, *inputs):
    """Assume inputs that do not change."""
    for value in inputs:
        value = Value.cast(value)
        b.assume(value == b.symbol(len(value)))


def bits(value):
    """A struct as its bits: comparable with any other value."""
    return Value.cast(value)


def taken(port):
    return port.valid & port.ready


def counted(b, put, got, limit):
    """Return how many items are inside; nothing comes out that is not."""
    inside = Signal(range(limit + 2), name="inside")
    b.m.d.sync += inside.eq(inside + put - got)
    b.check("nothing_made_up", ~got | (inside != 0))
    return inside


def array(cls):
    unit = cls(config=ENGINE)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    put, got = unit.i.valid & unit.i.ready, unit.o.valid & unit.o.ready
    inside = counted(b, put, got, 1)
    b.check("nothing_lost", inside == unit.o.valid)
    b.check(
        "steps_in_order", ~b.past(put) | (bits(unit.o.payload.step) == b.past(unit.i.payload.step))
    )
    return b


def accumulator(cls):
    unit = cls(config=ENGINE)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    last = unit.i.payload.step.last
    inside = counted(b, unit.i.valid & unit.i.ready & last, unit.o.valid & unit.o.ready, limit=2)
    adding = b.internal("adding") & data.View(StepSums(ENGINE), b.internal("current")).step.last
    b.check("nothing_lost", inside == unit.o.valid + adding)
    return b


def epilogue(cls):
    unit = cls(config=ENGINE)
    b = Bench(unit)
    steady(b, unit.y_type, unit.use_table, unit.param_mode)
    b.assume(~(unit.table.valid & unit.busy))
    keep_stream_rules(b, unit)
    inside = counted(b, unit.i.valid & unit.i.ready, unit.o.valid & unit.o.ready, limit=4)
    stages = [b.internal(f"stage_{n}")[0] for n in range(4)]  # `valid` comes first
    b.invariant("stages_hold_them", inside == sum(stages))
    b.check("busy_while_inside", unit.busy == (inside != 0))
    return b


def exponential(cls):
    unit = cls(config=ENGINE)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    inside = counted(b, unit.i.valid & unit.i.ready, unit.o.valid & unit.o.ready, limit=2)
    b.invariant("stages_hold_them", inside == unit.o.valid + b.internal("measured_valid"))
    b.check("idle_means_empty", ~unit.idle | (inside == 0))
    return b


def reciprocal(cls):
    unit = cls(config=ENGINE)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    inside = counted(b, unit.i.valid & unit.i.ready, unit.o.valid & unit.o.ready, limit=1)
    b.check("one_at_a_time", inside <= 1)
    b.invariant("taken_when_empty", unit.i.ready == (inside == 0))
    return b


def dividers(cls):
    unit = cls(config=ENGINE, count=2)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    return b


def issue(cls):
    """The tile buffer's row is steady but for the cycle after it was read."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    b.assume(b.past(unit.enable) | (unit.data == b.past(unit.data)))
    keep_stream_rules(b, unit)
    return b


def loader(cls):
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    keep_stream_rules(b, unit, leave_out=["o"])  # `o` is never refused
    return b


def weights(cls):
    """Rows come only for commands."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    b.assume(~unit.swap | unit.full)
    keep_stream_rules(b, unit)
    due = Signal(4, name="due")
    b.m.d.sync += due.eq(due + (unit.command.valid & unit.command.ready) - unit.row.valid)
    b.assume(~unit.row.valid | (due != 0))
    asked, answered, count = (b.internal(name) for name in ("asked", "answered", "count"))
    b.invariant("due_is_asked_for", due == asked - answered)
    b.invariant("answered_is_asked", answered <= asked)
    b.invariant("asked_is_wanted", (count == 0) | ((asked <= count) & (answered < count)))
    b.invariant("all_is_answered", (count != 0) | (asked == answered))
    b.check("no_row_is_dropped", ~unit.full | (due == 0))
    return b


def parameters(cls):
    """Rows come only for commands; here each has two words."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    b.assume(~unit.token_take | unit.token)
    keep_stream_rules(b, unit)
    due = Signal(range(4 * BEATS), name="due")
    b.m.d.sync += due.eq(due + taken(unit.command) - unit.row.valid)
    b.assume(~unit.row.valid | (due != 0))
    loading, asked, words = (b.internal(name) for name in ("loading", "asked", "words"))
    done, room, level = b.internal("done"), b.internal("room"), b.internal("level", within="beats")
    b.check("a_row_finds_room", ~unit.row.valid | (level < BEATS))
    b.invariant("places_are_reserved", room + level + due == BEATS)
    b.invariant("empty_when_not_loading", loading | ((asked == 0) & (done == 0) & (room == BEATS)))
    b.invariant("rows_asked_for", (asked + 1) >> 1 == (done >> 1) + level + due)
    b.invariant("asked_is_wanted", ~loading | (asked <= words))
    b.invariant("whole_rows_are_asked", ~asked[0] | (asked == words))
    b.invariant("done_is_less", ~loading | (done < words) | (words == 0))
    b.invariant("done_in_pairs", ~done[0] | (unit.step.payload.load == Load.TABLE))
    head, tail = (b.internal(name, within="beats") for name in ("head", "tail"))
    b.invariant("pointers", (head + level - tail)[: len(head)] == 0)
    b.invariant("works_on_a_step", (b.internal("fsm_state") == 0) | unit.step.valid)
    return b


def never_refused(b, name, port):
    """Check an output that waits for room before it is valid."""
    b.check(f"{name}_never_refused", ~port.valid | port.ready)
    b.cover(f"{name}_flows", port.valid & port.ready)


def walker(cls):
    """Its five outputs go together, when all have room."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    assume_stream(b, unit.product)
    for name in ("input", "weight", "issue", "parameter", "output"):
        never_refused(b, name, getattr(unit, name))
    b.check("parts_go_together", unit.input.valid == unit.weight.valid & unit.issue.valid)
    table = unit.product.payload.load == Load.TABLE
    b.invariant("works_on_a_product", ~b.internal("fsm_state") | (unit.product.valid & ~table))
    return b


def reader(cls):
    unit = cls(config=CLUSTER, clients=2)
    b = Bench(unit)
    for client in range(2):
        assume_stream(b, unit.command[client])
    for word, read in enumerate(unit.read):
        never_refused(b, f"read_{word}", read)
    b.check("one_command_at_a_time", ~(taken(unit.command[0]) & taken(unit.command[1])))
    b.check("one_client_is_answered", ~(unit.row[0].valid & unit.row[1].valid))
    return b


def writer(cls):
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    assume_stream(b, unit.i)
    assume_stream(b, unit.step)
    assume_stream(b, unit.word)
    for port, write in enumerate(unit.write):
        never_refused(b, f"write_{port}", write)
    b.check("one_source_at_a_time", ~(taken(unit.i) & taken(unit.word)))
    return b


def queue(cls):
    """Any item may be the one that is followed to the end of the queue."""
    depth = 4
    unit = cls(8, depth=depth)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    put, got = unit.i.valid & unit.i.ready, unit.o.valid & unit.o.ready
    inside = counted(b, put, got, depth)
    b.check("level_is_what_is_inside", inside == unit.level)
    followed = Signal(name="followed")
    item = Signal(8, name="item")
    ahead = Signal(range(depth + 1), name="ahead")
    with b.m.If(~followed & put & b.any(1)):
        b.m.d.sync += [followed.eq(1), item.eq(unit.i.payload), ahead.eq(inside - got)]
    with b.m.Elif(followed & got):
        b.m.d.sync += [ahead.eq(ahead - 1), followed.eq(ahead != 0)]
    b.check("in_order_and_unchanged", ~(followed & (ahead == 0)) | (unit.o.payload == item))
    b.check("nothing_lost", ~(followed & (ahead == 0)) | unit.o.valid)
    b.check("room_is_used", unit.i.ready == (inside != depth))
    items, head, tail = b.internal("items"), b.internal("head"), b.internal("tail")
    b.invariant("ahead_is_inside", ~followed | (ahead < inside))
    b.invariant("inside_fits", inside <= depth)
    b.invariant("pointers", (head + inside - tail)[:2] == 0)
    b.invariant("item_is_held", ~followed | (items.word_select((head + ahead)[:2], 8) == item))
    b.cover("full", inside == depth)
    return b


def port(cls):
    """On its bus a request stays until it is taken; answers always find room."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    assume_answers(b, unit.bus)
    # `clear` is held until nothing is under way.
    b.assume(~(b.past(unit.clear) & b.past(unit.active)) | unit.clear)
    keep_stream_rules(b, unit, leave_out=["data"])
    held = b.past(unit.data.valid & ~unit.data.ready & ~unit.clear)
    b.check("data_stays_valid", ~held | unit.data.valid)
    b.check("data_stays", ~held | (unit.data.payload == b.past(unit.data.payload)))
    answers = b.internal("level", within="answers")
    head, tail = (b.internal(name, within="answers") for name in ("head", "tail"))
    b.invariant("pointers", (head + answers - tail)[:2] == 0)
    read_due = b.internal("read_due")
    is_load = unit.bus.req.valid & (unit.bus.req.payload.op == TcdmOp.LOAD)
    room = b.internal("room")
    b.check("an_answer_finds_room", ~(unit.bus.rsp.valid & read_due & ~unit.clear) | (answers < 4))
    taken = b.past(unit.bus.req.valid & unit.bus.req.ready)
    load = b.past(unit.bus.req.payload.op == TcdmOp.LOAD)
    op = unit.bus.req.payload.op
    b.check("loads_and_stores_only", (op == TcdmOp.LOAD) | (op == TcdmOp.STORE))
    b.invariant("nothing_after_clear", ~b.past(unit.clear) | ((room == 4) & (answers == 0)))
    b.invariant("read_due", read_due == (taken & load))
    b.invariant("write_due", b.internal("write_due") == (taken & ~load))
    b.invariant(
        "places_are_reserved",
        b.past(unit.clear) | (room + answers + read_due + is_load == 4),
    )
    b.cover("four_reads_wait", (answers == 4) & unit.data.valid)
    return b


# With the cycles in which covers are reached and planted bugs show.
BENCHES = {
    "array": (array, DotArray, 8),
    "accumulator": (accumulator, Accumulator, 8),
    "epilogue": (epilogue, Epilogue, 8),
    "exponential": (exponential, Exponential, 8),
    "reciprocal": (reciprocal, Reciprocal, 18),
    "dividers": (dividers, Dividers, 18),
    "issue": (issue, Issue, 8),
    "loader": (loader, InputLoader, 8),
    "weights": (weights, WeightLoader, 8),
    "parameters": (parameters, ParameterUnit, 16),
    "walker": (walker, Walker, 8),
    "reader": (reader, RowReader, 8),
    "writer": (writer, Writer, 8),
    "queue": (queue, Queue, 8),
    "port": (port, Port, 8),
}
