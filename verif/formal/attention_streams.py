"""Benches of the engine's streams.

What is refused stays as it is; nothing is lost, doubled or made up.

The datapath is the smallest that a configuration allows. Multipliers are part of it, but for those
of the epilogue (nor is its table): for these properties the solver need not know what a product is.
"""

from dataclasses import replace
from functools import partial

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data

from hw.attention.datapath.accumulator import Accumulator
from hw.attention.datapath.activation import Activation
from hw.attention.datapath.array import DotArray
from hw.attention.datapath.epilogue import Epilogue
from hw.attention.datapath.issue import Issue
from hw.attention.datapath.requantise import Requantise
from hw.attention.norm.normalise import Normalise
from hw.attention.norm.root import Root
from hw.attention.norm.statistics import Statistics
from hw.attention.queue import Queue
from hw.attention.softmax.exponential import Exponential
from hw.attention.softmax.reciprocal import Reciprocal
from hw.attention.steps import POSITION_BITS, Load
from hw.attention.streams.alternate import WAITING, Alternate
from hw.attention.streams.answers import AnswerBuffer
from hw.attention.streams.elements import ElementLoader
from hw.attention.streams.fence import WriteFence
from hw.attention.streams.loader import InputLoader
from hw.attention.streams.parameters import ParameterUnit
from hw.attention.streams.port import ANSWERS, WRITES_WAITING, Port, PortLoad
from hw.attention.streams.reader import RowReader
from hw.attention.streams.weights import WeightLoader
from hw.attention.streams.writer import Writer
from hw.attention.types import StepSums
from hw.attention.walk.walker import Walker
from hw.common.numeric import adder_tree
from hw.config import ClusterConfig, EngineConfig, TcdmConfig
from hw.tcdm.bus import TcdmOp
from verif.formal.harness import Bench, mutated
from verif.formal.properties import assume_answers, assume_stream, keep_stream_rules

ENGINE = EngineConfig(units=2, lanes=16)
CLUSTER = ClusterConfig(workers=1, tcdm=TcdmConfig(banks=8, bank_bytes=512), engine=ENGINE)
WIDER = replace(CLUSTER, engine=EngineConfig(units=4, lanes=16))


class WithoutProducts(Requantise):
    """Requantisation with its two registers, but without products and shifts."""

    def elaborate(self, platform):
        m = Module()
        joined = Signal(32)
        total = Signal(32)
        with m.If(self.multiply):
            m.d.sync += joined.eq(self.acc ^ self.r ^ self.entry.add[:32])
        with m.If(self.add):
            m.d.sync += total.eq(joined)
        m.d.comb += self.y.eq(total ^ Value.cast(self.y_type))
        return m


class WithoutTable(Activation):
    """A look-up that gives back its index."""

    def elaborate(self, platform):
        m = Module()
        with m.If(self.enable):
            m.d.sync += self.value.eq(self.index)
        return m


INSTEAD = {"epilogue": {"Requantise": WithoutProducts, "Activation": WithoutTable}}
"""Classes that take the place of a component's own, by the bench's name: see `mutated`."""


def bits(value):
    """A struct as its bits: comparable with any other value."""
    return Value.cast(value)


def taken(port):
    return port.valid & port.ready


def counted(b, put, got, limit, name="inside"):
    """Return how many items are inside; nothing comes out that is not."""
    inside = Signal(range(limit + 2), name=name)
    b.m.d.sync += inside.eq(inside + put - got)
    b.check("nothing_made_up" if name == "inside" else f"{name}_not_made_up", ~got | (inside != 0))
    return inside


def rows_due(b, command, row):
    """Assume that rows come only for commands; return how many are due, up to 31."""
    due = Signal(5, name="due")
    b.m.d.sync += due.eq(due + taken(command) - row.valid)
    b.assume(~row.valid | (due != 0))
    return due


def keeps_answers(b, due, within=""):
    """State what an AnswerBuffer counts, given how many rows are due; return the rows inside."""
    asked, answered, got = (b.internal(n, within=within) for n in ("asked", "answered", "taken"))
    waiting = b.internal("waiting", within=within)
    inside = (asked - got)[: len(asked)]
    b.invariant("inside_fits", inside <= 1 << len(asked) - 1)
    b.invariant("counts_what_is_due", due == (asked - answered)[: len(asked)])
    b.invariant("asked_before_answered", due <= inside)
    b.invariant("waits_when_there", waiting == (answered != got))
    return inside


def assume_progress(b):
    """Assume that what opened a component's row gate does not go back, nor half around."""
    ahead, position = (b.internal(name, within="gate") for name in ("ahead", "position"))
    back = ~b.past(ahead[-1]) & ahead[-1] & (position == b.past(position))
    b.assume(~back)


def array(cls):
    """Of the steps that are one certain step, as many come out as went in."""
    unit = cls(config=ENGINE)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    put, got = taken(unit.i), taken(unit.o)
    step = b.symbol(len(bits(unit.i.payload.step)), name="followed")
    held = unit.o.valid & (bits(unit.o.payload.step) == step)
    inside = counted(b, put & (bits(unit.i.payload.step) == step), got & held, 1)
    b.check("nothing_lost", inside == held)
    return b


def accumulator(cls):
    unit = cls(config=ENGINE)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    last = unit.i.payload.step.last
    inside = counted(b, taken(unit.i) & last, taken(unit.o), limit=2)
    adding = b.internal("adding") & data.View(StepSums(ENGINE), b.internal("current")).step.last
    b.check("nothing_lost", inside == unit.o.valid + adding)
    return b


def epilogue(cls):
    """A row of one source, with its residual if it has one, becomes one row."""
    unit = cls(config=ENGINE)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    put = taken(unit.i) | taken(unit.direct)
    inside = counted(b, put, taken(unit.o), limit=4)
    stages = [b.internal(f"stage_{n}")[0] for n in range(4)]  # `valid` comes first
    b.invariant("stages_hold_them", inside == sum(stages))
    b.check("busy_while_inside", unit.busy == (inside != 0))
    b.check("one_source_at_a_time", ~(taken(unit.i) & taken(unit.direct)))
    b.check("a_residual_has_a_row", ~taken(unit.residual) | put)
    return b


def exponential(cls):
    """Two cycles from row to row; nothing is ever refused."""
    unit = cls(config=ENGINE)
    b = Bench(unit)
    b.check("a_row_for_each_row", unit.o.valid == b.past(b.past(unit.i.valid)))
    sums_up = unit.i.valid & unit.enable & unit.accumulate & unit.sums_up
    for _ in range(5):
        sums_up = b.past(sums_up)
    b.check("a_mass_for_each_sum", unit.mass.valid == sums_up)
    b.check("always_ready", unit.i.ready)
    b.cover("row_and_mass", unit.o.valid & unit.mass.valid)
    return b


def reciprocal(cls):
    """Seven cycles from mass to entry; nothing is ever refused."""
    unit = cls(config=ENGINE)
    b = Bench(unit)
    put, row = unit.i.valid, unit.i.payload.row
    for _ in range(7):
        put, row = b.past(put), b.past(row)
    b.check("an_entry_for_each_mass", unit.o.valid == put)
    b.check("of_its_row", ~put | (unit.o.payload.row == row))
    b.check("always_ready", unit.i.ready)
    b.cover("entries_in_a_row", unit.o.valid & b.past(unit.o.valid))
    return b


def issue(cls):
    """The tile buffer's row is steady but for the cycle after it was read."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    b.assume(b.past(unit.enable) | (unit.data == b.past(unit.data)))
    keep_stream_rules(b, unit)
    causes = (unit.active, unit.no_step, unit.blocked, unit.no_row, unit.no_weights)
    b.check("one_cause_a_cycle", adder_tree(causes) == 1)
    b.check("rows_that_are_there", ~unit.enable | (unit.row < unit.filled))
    b.check("weights_that_are_there", ~unit.swap | unit.full)
    return b


def loader(cls):
    """Tiles are released once all of their rows came."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    assume_progress(b)
    keep_stream_rules(b, unit, leave_out=["o"])  # `o` is never refused
    tiles, free = b.internal("level", within="tiles"), b.internal("free")
    b.assume(~unit.release | (free + tiles < 2))
    b.check("a_tile_finds_room", ~taken(unit.step) | (tiles != 2))
    b.invariant("tiles_have_buffers", free + tiles <= 2)
    b.check("sums_need_masses", ~unit.masses_take | unit.masses_open)
    return b


def answers(cls):
    """A row comes out for each command, and finds room when it comes."""
    depth = 4
    unit = cls(config=CLUSTER, tag=2, depth=depth)
    b = Bench(unit)
    due = rows_due(b, unit.command, unit.row)
    keep_stream_rules(b, unit)
    inside = counted(b, taken(unit.command), taken(unit.o), depth)
    b.invariant("counts_what_is_inside", inside == keeps_answers(b, due))
    b.check("goes_on", ~unit.row.valid | unit.o.valid)
    b.cover("full", inside == depth)
    return b


def weights(cls):
    """`swap` comes only with `full`."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    b.assume(~unit.swap | unit.full)
    assume_progress(b)
    keeps_answers(b, rows_due(b, unit.command, unit.row), within="rows")
    keep_stream_rules(b, unit)
    held = b.past(unit.full & ~unit.swap)
    b.check("full_until_swapped", ~held | unit.full)
    b.check(
        "weights_until_swapped", b.past(unit.swap) | (bits(unit.weights) == b.past(unit.weights))
    )
    b.cover("is_full", unit.full)
    return b


def elements(cls):
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    assume_progress(b)
    keeps_answers(b, rows_due(b, unit.command, unit.row), within="beats")
    keep_stream_rules(b, unit)
    return b


def parameters(cls):
    """A bank is taken when it is free, and free again when it is released."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    keep_stream_rules(b, unit, leave_out=["masses"])
    is_table = unit.step.payload.load == Load.TABLE
    for name, release, mine in (
        ("taken", unit.release, ~is_table),
        ("table_taken", unit.table_release, is_table),
    ):
        used = Signal(2, name=f"{name}_here")
        begins = Signal(2, name=f"{name}_begins")
        b.m.d.comb += begins.eq((taken(unit.step) & mine) << unit.step.payload.bank)
        b.m.d.sync += used.eq(used & ~release | begins)
        b.check(f"{name}_when_free", (used & begins) == 0)
        b.invariant(f"{name}_is_known", used == b.internal(name))
    b.assume(~unit.masses_take | unit.masses_open)
    b.check(
        "masses_open_until_taken", ~b.past(unit.masses_open & ~unit.masses_take) | unit.masses_open
    )
    return b


def never_refused(b, name, port):
    """Check an output that waits for room before it is valid."""
    b.check(f"{name}_never_refused", ~port.valid | port.ready)
    b.cover(f"{name}_flows", port.valid & port.ready)


def walker(cls):
    """Its outputs go together, when all have room; a table has one only, that waits."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    assume_stream(b, unit.product)
    for name in "input weight issue epilogue output direct residual statistics".split():
        never_refused(b, name, getattr(unit, name))
    table = unit.product.payload.load == Load.TABLE
    b.check("parameter_never_refused", ~unit.parameter.valid | unit.parameter.ready | table)
    refused = b.past(unit.parameter.valid & ~unit.parameter.ready)
    b.check("table_stays", ~refused | unit.parameter.valid)
    b.check("product_until_handed_on", ~(unit.parameter.valid & table) | unit.product.valid)
    b.check("weights_are_issued", unit.weight.valid == unit.issue.valid)
    b.check("outputs_are_computed", unit.epilogue.valid == unit.output.valid)
    b.invariant("works_on_a_product", (b.internal("fsm_state") == 0) | unit.product.valid)
    return b


def alternate(cls):
    """With at most WAITING commands unanswered, an answer finds room."""
    unit = cls(config=CLUSTER)
    b = Bench(unit)
    assume_stream(b, unit.i)
    unanswered = counted(b, taken(unit.i), unit.row.valid, WAITING)
    b.assume((unanswered < WAITING) | ~unit.i.valid)
    held = []
    for side in range(2):
        due = Signal(range(WAITING + 1), name=f"due_{side}")
        b.m.d.sync += due.eq(due + taken(unit.command[side]) - unit.answer[side].valid)
        b.assume(~unit.answer[side].valid | (due != 0))
        level, room = (b.internal(n, within=f"waiting_{side}") for n in ("level", "i__ready"))
        b.check(f"finds_room_{side}", ~unit.answer[side].valid | room)
        held.append(due + level)
    b.invariant("sides_hold_them", held[0] + held[1] == unanswered)
    b.invariant("not_too_many", unanswered <= WAITING)
    turns = (b.internal("asking") - b.internal("answering"))[0]
    side = b.internal("answering")
    ahead = Mux(side, held[1], held[0]) - Mux(side, held[0], held[1])
    b.invariant("in_turn", ahead == turns)
    b.check("one_command_at_a_time", ~(unit.command[0].valid & unit.command[1].valid))
    b.cover("answers_flow", unit.row.valid & b.past(unit.row.valid))
    return b


def reader(cls):
    unit = cls(config=CLUSTER, clients=2)
    b = Bench(unit)
    for client in range(2):
        assume_stream(b, unit.command[client])
        count = unit.command[client].payload.count
        b.assume((count != 0) & (count <= ENGINE.row_words))
    for word, read in enumerate(unit.read):
        never_refused(b, f"read_{word}", read)
    commands = [taken(command) for command in unit.command]
    count = Mux(commands[0], unit.command[0].payload.count, unit.command[1].payload.count)
    words = adder_tree(read.valid for read in unit.read)
    b.check("one_command_at_a_time", ~(commands[0] & commands[1]))
    b.check("each_word_is_asked_for", words == Mux(commands[0] | commands[1], count, 0))
    b.check("one_client_is_answered", ~(unit.row[0].valid & unit.row[1].valid))
    # As many words as were asked for go into each row.
    answered = adder_tree(taken(answer) for answer in unit.data)
    rows = unit.row[0].valid | unit.row[1].valid
    b.check("rows_of_words", (b.past(answered) != 0) == rows)
    b.invariant("rows_have_words", (b.internal("level", within="inside") == 0) | _has_words(b))
    return b


def _has_words(b):
    """Whether each row that is inside has at least one word: its count, above the client."""
    items, head = (b.internal(name, within="inside") for name in ("items", "head"))
    level = b.internal("level", within="inside")
    tail = b.internal("tail", within="inside")
    b.invariant("pointers", (head + level - tail)[: len(head)] == 0)
    width = len(Value.cast(items)) >> len(head)
    holds = []
    for place in range(1 << len(head)):
        inside = ((place - head)[: len(head)] < level) & 1
        count = Value.cast(items)[place * width + 1 : place * width + 3]
        holds.append(~inside | (count != 0))
    return Cat(holds).all()


def writer(cls):
    """A port that was not crowded has room in the next cycle. A row has up to two words."""
    unit = cls(config=WIDER)
    b = Bench(unit)
    assume_stream(b, unit.i)
    assume_stream(b, unit.step)
    assume_stream(b, unit.word)
    for port, write in enumerate(unit.write):
        crowded = b.past(unit.load[port], init=3) == PortLoad.CROWDED.value
        b.assume(crowded | write.ready)
        never_refused(b, f"write_{port}", write)
    room = sum(b.past(bits(load), init=3) != PortLoad.CROWDED.value for load in unit.load)
    b.invariant("room_is_known", b.internal("room") == room)
    b.check("one_source_at_a_time", ~(taken(unit.i) & taken(unit.word)))
    # What is held goes at once: that many words, all different.
    words = Signal(4, name="words_now")
    b.m.d.comb += words.eq(sum(write.valid for write in unit.write))
    count = b.internal("held")[len(unit.word.payload.word) :][:2]
    b.invariant("held_fits", count <= 2)
    b.invariant("all_or_nothing", (words == 0) | (words == count))
    one, other = unit.write[0], unit.write[3]
    twice = one.valid & other.valid & (one.payload.word == other.payload.word)
    b.check("each_word_once", ~twice)
    b.check("single_words_first", ~unit.word.valid | ~taken(unit.i))
    b.cover("two_words", words == 2)
    return b


def fence(cls):
    """Any write may be the one that is followed until it is performed."""
    unit = cls(config=ENGINE)
    b = Bench(unit, driven=["issued", "words", "pending"])
    handed = []
    for port in range(ENGINE.ports):
        pending = Signal.like(unit.pending[port], name=f"pending_{port}")
        comes = b.any(1)
        b.assume(~comes | (pending <= WRITES_WAITING))
        b.assume(~unit.performed[port] | (pending != 0))
        b.m.d.comb += unit.pending[port].eq(pending)
        b.m.d.sync += pending.eq(pending + comes - unit.performed[port])
        handed.append(comes)
        b.invariant(f"fits_{port}", pending <= WRITES_WAITING + 1)
        b.invariant(f"noted_is_pending_{port}", b.internal(f"left_{port}") <= pending)
    # A row or a word counts in the cycle after the last of its writes was handed to a port.
    some = Cat(handed).any()
    issued = Signal(POSITION_BITS, name="issued_here")
    counts = some & b.any(1)
    b.m.d.comb += unit.issued.eq(issued)
    b.m.d.sync += issued.eq(issued + counts)

    # The followed write belongs to the row that is under way when it is handed to its port.
    port = b.symbol(range(ENGINE.ports), name="port")
    followed = Signal(name="followed")
    ahead = Signal.like(unit.pending[0], name="ahead")
    row = Signal(POSITION_BITS, name="row")
    performed = Signal(name="performed_now")
    comes = Signal(name="comes_now")
    pending = Signal.like(unit.pending[0], name="pending_now")
    left = Signal.like(unit.pending[0], name="left_now")
    for number in range(ENGINE.ports):
        with b.m.If(port == number):
            b.m.d.comb += [
                performed.eq(unit.performed[number]),
                comes.eq(handed[number]),
                pending.eq(unit.pending[number]),
                left.eq(b.internal(f"left_{number}")),
            ]
    with b.m.If(~followed & comes & b.any(1)):
        b.m.d.sync += [followed.eq(1), ahead.eq(pending - performed), row.eq(issued)]
    with b.m.Elif(followed & performed):
        b.m.d.sync += [ahead.eq(ahead - 1), followed.eq(ahead != 0)]

    # Positions are compared as plain numbers here: the counts do not come around.
    b.assume(issued < 1 << POSITION_BITS - 1)
    noted = b.internal("noted")
    b.check("not_before_it_is_performed", ~followed | (unit.done <= row))
    b.check("all_is_done", ~unit.idle | (unit.done == issued))
    b.invariant("follows_what_is_pending", ~followed | (ahead < pending))
    b.invariant("noted_with_it", ~followed | (noted <= row) | (left > ahead))
    b.invariant("row_under_way", ~followed | (row <= issued))
    b.invariant("in_order", (unit.done <= noted) & (noted <= issued))
    b.cover("done_while_pending", ~unit.idle & (unit.done == 2))
    return b


def queue(cls, *, fall_through=False):
    """Any item may be the one that is followed to the end of the queue."""
    depth = 4
    unit = cls(8, depth=depth, fall_through=fall_through)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    put, got = taken(unit.i), taken(unit.o)
    inside = Signal(range(depth + 2), name="inside")
    b.m.d.sync += inside.eq(inside + put - got)
    b.check("level_is_what_is_inside", inside == unit.level)
    followed = Signal(name="followed")
    item = Signal(8, name="item")
    ahead = Signal(range(depth + 1), name="ahead")
    passes = fall_through & unit.i.valid & (inside == 0)
    with b.m.If(~followed & put & ~(passes & got) & b.any(1)):
        b.m.d.sync += [followed.eq(1), item.eq(unit.i.payload), ahead.eq(inside - got)]
    with b.m.Elif(followed & got):
        b.m.d.sync += [ahead.eq(ahead - 1), followed.eq(ahead != 0)]
    b.check("nothing_made_up", unit.o.valid == ((inside != 0) | passes))
    b.check("passes_unchanged", ~passes | (unit.o.payload == unit.i.payload))
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
    answers, head, tail = (b.internal(n, within="answers") for n in ("level", "head", "tail"))
    b.invariant("pointers", (head + answers - tail)[: len(head)] == 0)
    read_due, room = b.internal("read_due"), b.internal("room")
    req = unit.bus.req
    storing = req.valid & (req.payload.op == TcdmOp.STORE)
    arrives = unit.bus.rsp.valid & read_due & ~unit.clear
    b.check("an_answer_finds_room", ~arrives | (answers < ANSWERS))
    was_taken = b.past(taken(req))
    load = b.past(req.payload.op == TcdmOp.LOAD)
    op = req.payload.op
    b.check("loads_and_stores_only", (op == TcdmOp.LOAD) | (op == TcdmOp.STORE))
    cleared = b.past(unit.clear)
    b.invariant("nothing_after_clear", ~cleared | ((room == ANSWERS) & (answers == 0)))
    b.invariant("read_due", read_due == (was_taken & load))
    b.invariant("write_due", b.internal("write_due") == (was_taken & ~load))
    b.invariant(
        "places_are_reserved",
        cleared | (room + answers + read_due + (req.valid & ~storing) == ANSWERS),
    )

    # Writes that are pending: what waits is forgotten by `clear`, what is asked for is not.
    pending = Signal.like(unit.pending, name="pending_here")
    written = storing & req.ready
    with b.m.If(unit.clear):
        b.m.d.sync += pending.eq(storing & ~req.ready)
    with b.m.Else():
        b.m.d.sync += pending.eq(pending + taken(unit.write) - written)
    b.check("pending_is_counted", unit.pending == pending)
    b.check("performed_when_granted", unit.performed == written)
    was_crowded = b.past(bits(unit.load) == PortLoad.CROWDED.value) | cleared
    b.check("room_if_not_crowded", was_crowded | unit.write.ready)
    b.check(
        "empty_is_empty", (bits(unit.load) != PortLoad.EMPTY.value) | (~req.valid & (pending == 0))
    )
    b.cover("every_place_is_taken", (answers == ANSWERS) & unit.data.valid)
    return b


def normal(cls):
    unit = cls(config=ENGINE)
    b = Bench(unit)
    keep_stream_rules(b, unit)
    return b


def root(cls):
    unit = cls()
    b = Bench(unit)
    keep_stream_rules(b, unit)
    return b


PROOF_DEPTH = {"exponential": 7, "reciprocal": 9}
"""Those that look back further than 3 cycles."""

SLOW_TO_REACH = {"root"}
"""Those whose first item comes after so many multiplications that the solver takes minutes to
reach the covers; that they flow is shown by their unit tests."""

# With the cycles in which covers are reached and planted bugs show.
BENCHES = {
    "array": (array, DotArray, 8),
    "accumulator": (accumulator, Accumulator, 8),
    "epilogue": (epilogue, Epilogue, 10),
    "exponential": (exponential, Exponential, 10),
    "reciprocal": (reciprocal, Reciprocal, 10),
    "issue": (issue, Issue, 8),
    "loader": (loader, InputLoader, 8),
    "answers": (answers, AnswerBuffer, 8),
    "weights": (weights, WeightLoader, 10),
    "elements": (elements, ElementLoader, 10),
    "parameters": (parameters, ParameterUnit, 10),
    "walker": (walker, Walker, 8),
    "alternate": (alternate, Alternate, 10),
    "reader": (reader, RowReader, 8),
    "writer": (writer, Writer, 8),
    "fence": (fence, WriteFence, 10),
    "queue": (queue, Queue, 8),
    "queue_fall_through": (partial(queue, fall_through=True), Queue, 8),
    "port": (port, Port, 14),
    "statistics": (normal, Statistics, 10),
    "normalise": (normal, Normalise, 10),
    "root": (root, Root, 34),
}


def bench(name, old="", new=""):
    """Return the bench of that name, with a bug in its component if `old` becomes `new`."""
    make, component, _ = BENCHES[name]
    if old or name in INSTEAD:
        component = mutated(component, old, new, **INSTEAD.get(name, {}))
    return make(component)
