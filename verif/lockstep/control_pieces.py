"""Pieces of random programs that jump: branches, loops, calls."""

from collections.abc import Callable

from verif.lockstep.compute_pieces import compute, late_use
from verif.lockstep.layout import COUNT, LINK, LOOP, RETURN, WALK
from verif.lockstep.memory_pieces import access, amo, indexed_access, shared_access, walk
from verif.lockstep.writer import Writer

_BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")
_IMMEDIATE_BRANCHES = ("cv.beqimm", "cv.bneimm")

_SIMPLE = {
    compute: 50,
    late_use: 8,
    access: 22,
    shared_access: 4,
    indexed_access: 8,
    walk: 8,
    amo: 2,
}


def simple(w: Writer) -> None:
    """A piece that goes on behind itself and disturbs no loop."""
    w.rng.choices(list(_SIMPLE), list(_SIMPLE.values()))[0](w)


def _branch_to(w: Writer, place: int, target: int, name: str, **operands: int) -> None:
    w.patch(place, name, imm=4 * (target - place), **operands)


def branch(w: Writer) -> None:
    """A branch over a few pieces, taken or not."""
    place = w.place
    w.raw(0)
    for _ in range(w.rng.randrange(0, 4)):
        simple(w)
    operands = {"rs1": w.rs()}
    if w.has("xcv_bi") and w.chance(0.3):
        name = w.rng.choice(_IMMEDIATE_BRANCHES)
        operands["imm5"] = w.rng.randrange(-16, 16)
    else:
        name = w.rng.choice(_BRANCHES)
        operands["rs2"] = w.rs()
    if w.chance(0.03):  # misaligned when taken
        w.patch(place, name, imm=4 * (w.place - place) + 2, **operands)
    else:
        _branch_to(w, place, w.place, name, **operands)


def jump(w: Writer) -> None:
    """A jump over a few pieces, direct or by register; now and then to a misaligned address."""
    odd = w.rng.choice((0, 0, 0, 1, 2))
    direct = w.chance(0.5)
    if not direct:
        w.emit("auipc", rd=LINK)
    start = w.place if direct else w.place - 1
    place = w.place
    w.raw(0)
    for _ in range(w.rng.randrange(0, 3)):
        simple(w)
    distance = 4 * (w.place - start)
    if direct:
        w.patch(place, "jal", rd=w.rd(), imm=distance + (odd & 2))
    else:
        w.patch(place, "jalr", rd=w.rd(), rs1=LINK, imm=distance + odd)


def counted_loop(w: Writer, piece: Callable[[Writer], None]) -> None:
    """Pieces repeated a few times by a branch."""
    count = w.rng.randrange(1, 6)
    w.emit("addi", rd=LOOP, imm=count)
    start = w.place
    w.repeat *= count
    for _ in range(w.rng.randrange(1, 6)):
        piece(w)
    w.emit("addi", rd=LOOP, rs1=LOOP, imm=-1)
    w.emit("bne", rs1=LOOP, imm=4 * (start - w.place))
    w.repeat //= count


def call(w: Writer, targets: list[int]) -> None:
    """Call a block of code elsewhere, which returns by RETURN."""
    w.immediate(LINK, w.rng.choice(targets))
    w.emit("jalr", rd=RETURN, rs1=LINK)


def hardware_loop(w: Writer) -> None:
    """One loop, or one within another, mostly as the manual wants them.

    What is against its rules means something here too: bodies of one or two instructions, a branch
    at the end, two loops that end together, loop 1 within loop 0.
    """
    if not w.has("xcv_hwlp"):
        return simple(w)
    wild = w.chance(0.25)
    if w.chance(0.4):
        inner = int(wild and w.chance(0.3))
        _loop(w, 1 - inner, wild, lambda: _nest(w, inner, wild))
    else:
        number = w.rng.randrange(2)
        _loop(w, number, wild, lambda: _body(w, wild))


def _nest(w: Writer, inner: int, wild: bool) -> None:
    for _ in range(w.rng.randrange(0, 2)):
        simple(w)
    _loop(w, inner, wild, lambda: _body(w, wild))
    if not (wild and w.chance(0.5)):
        compute(w)
        compute(w)


def _body(w: Writer, wild: bool) -> None:
    if wild:
        length = w.rng.choice((1, 1, 2, 2, 3, 5))
        for _ in range(length - 1):
            compute(w)
        if w.chance(0.6):
            compute(w)
        else:
            w.rng.choice((branch, jump, access, walk))(w)
        return
    start = w.place
    for _ in range(w.rng.randrange(1, 5)):
        simple(w)
    while w.place < start + 3:
        compute(w)


def _loop(w: Writer, loop: int, wild: bool, body: Callable[[], None]) -> None:
    """Set a loop up, in one of five ways, and write its body."""
    count = w.rng.choice((0, 1, 2, 3, 4, 5)) if wild else w.rng.randrange(1, 6)
    way = w.rng.choice(("setupi", "setup", "immediates", "registers", "mixed"))
    repeat = w.repeat
    w.repeat *= max(count, 1)
    if way == "setupi":
        place = w.place
        w.raw(0)
        body()
        near = w.place - place
        if near < 32:
            w.patch(place, "cv.setupi", loop=loop, count=count, near=4 * near)
        else:
            w.patch(place, "addi")
    elif way == "setup":
        w.emit("addi", rd=COUNT, imm=count)
        place = w.place
        w.raw(0)
        body()
        w.patch(place, "cv.setup", loop=loop, rs1=COUNT, far=4 * (w.place - place))
    else:
        _separate(w, loop, count, way, body)
    w.repeat = repeat


def _separate(w: Writer, loop: int, count: int, way: str, body: Callable[[], None]) -> None:
    start_by_register = way == "registers"
    end_by_register = way != "immediates"
    end_value = w.place
    if end_by_register:
        w.immediate(WALK, 0)
        w.emit("cv.end", loop=loop, rs1=WALK)
    end_place = w.place
    if not end_by_register:
        w.raw(0)
    if way == "immediates":
        w.emit("cv.counti", loop=loop, count=count)
    else:
        w.emit("addi", rd=COUNT, imm=count)
        w.emit("cv.count", loop=loop, rs1=COUNT)
    if start_by_register:
        # The two low bits are dropped.
        w.immediate(WALK, w.pc + 12 + w.rng.randrange(4))
        w.emit("cv.start", loop=loop, rs1=WALK)
    else:
        w.emit("cv.starti", loop=loop, far=4)
    body()
    if end_by_register:
        w.patch_immediate(end_value, WALK, w.pc)
    else:
        w.patch(end_place, "cv.endi", loop=loop, far=4 * (w.place - end_place))
