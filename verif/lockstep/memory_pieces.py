"""Pieces of random programs that access memory."""

from verif.lockstep.layout import (
    BAD,
    COUNT,
    DATA,
    EVENTS,
    FREE,
    MAIN,
    OFFSET,
    SHARED,
    SHARED_BYTES,
    SHARED_MAIN,
    WALK,
)
from verif.lockstep.words import FORMS, Form
from verif.lockstep.writer import Writer

REACH = 1000
"""Bytes that accesses stay within, on either side of an area's middle."""

_BASE = {"lb": 1, "lh": 2, "lw": 4, "lbu": 1, "lhu": 2, "sb": 1, "sh": 2, "sw": 4}
_HOT = (0, 4, 8, 12)
"""Few addresses, so that loads see what stores wrote."""

AMOS = [key for key in FORMS if key.startswith("amo")]


def _size(form: Form) -> int:
    """Bytes that an instruction of XCVmem accesses."""
    return {"b": 1, "h": 2, "w": 4}[form.row.name.removesuffix("u")[-1]]


_XCV = [form for form in FORMS.values() if form.row.group == "xcv_mem"]
_POST = [form for form in _XCV if "(rs1)," in form.row.operands]
_INDEXED = [form for form in _XCV if form not in _POST]


def _offset(w: Writer, size: int) -> int:
    offset = w.rng.choice(_HOT) if w.chance(0.4) else w.rng.randrange(-REACH, REACH)
    offset += w.rng.randrange(4)
    return offset if w.chance(0.03) else offset // size * size


def _area(w: Writer) -> int:
    return MAIN if w.chance(0.15) else DATA


def access(w: Writer) -> None:
    """A plain load or store."""
    name, size = w.rng.choice(list(_BASE.items()))
    base = BAD if w.chance(0.02) else _area(w)
    registers = {"rs2": w.rs()} if name.startswith("s") else {"rd": w.rd()}
    w.emit(name, rs1=base, imm=_offset(w, size), **registers)


def shared_access(w: Writer) -> None:
    """A plain load or store of a word that several harts use."""
    name, size = w.rng.choice(list(_BASE.items()))
    offset = w.rng.randrange(0, SHARED_BYTES, size)
    registers = {"rs2": w.rs()} if name.startswith("s") else {"rd": w.rd()}
    w.emit(name, rs1=SHARED_MAIN if w.chance(0.2) else SHARED, imm=offset, **registers)


def indexed_access(w: Writer) -> None:
    """Loads and stores with a register as offset."""
    if not w.has("xcv_mem"):
        return access(w)
    area = _area(w)
    form = w.rng.choice(_INDEXED)
    w.emit("addi", rd=OFFSET, imm=_offset(w, _size(form)))
    # The sum is the same the other way round.
    first, second = (area, OFFSET) if w.chance(0.8) else (OFFSET, area)
    if "rd" in form.registers:
        w.raw(form.word(rd=w.rd(), rs1=first, rs2=second))
    else:
        w.raw(form.word(rs2=w.rs(), rs1=first, rs3=second))


def walk(w: Writer) -> None:
    """Accesses with post-increment; the last one may overwrite its own base or offset."""
    if not w.has("xcv_mem"):
        return access(w)
    at = w.rng.randrange(-REACH // 2, REACH // 2) & ~3
    w.emit("addi", rd=WALK, rs1=_area(w), imm=at)
    step = w.rng.choice((0, 1, 2, 4, 8, -4, w.rng.randrange(-60, 60)))
    w.emit("addi", rd=OFFSET, imm=step)
    for _ in range(w.rng.randrange(1, 6)):
        form = w.rng.choice(_POST)
        size = _size(form)
        if form.immediate:
            step = w.rng.choice((0, size, -size, 4 * size, w.rng.randrange(-60, 60)))
            if not w.chance(0.1):
                step = step // size * size
            operands = {"imm": step}
        elif "rd" in form.registers:
            operands = {"rs2": OFFSET}
        else:
            operands = {"rs3": OFFSET}
        load = "rd" in form.registers
        data = {"rd": w.rd()} if load else {"rs2": w.rng.choice((w.rs(), WALK))}
        w.raw(form.word(rs1=WALK, **operands, **data))
    if w.chance(0.3):
        form = FORMS["cv.lw " + _POST_LOAD_WORD]
        w.raw(form.word(rd=WALK, rs1=WALK, imm=4))


_POST_LOAD_WORD = next(
    (form.row.operands for form in _POST if form.row.name == "cv.lw" and form.immediate), ""
)


def _shared_word(w: Writer) -> None:
    """WALK points to a word that atomics work on."""
    base = SHARED_MAIN if w.chance(0.3) else SHARED
    offset = w.rng.randrange(0, SHARED_BYTES, 4)
    if w.chance(0.15):
        base, offset = w.rng.choice((DATA, MAIN)), 4 * w.rng.randrange(4)
    w.emit("addi", rd=WALK, rs1=base, imm=offset)


def _atomic(w: Writer, key: str, rd: int, rs2: int | None = None, base: int = WALK) -> None:
    registers = {"rd": rd, "rs1": base} | ({} if rs2 is None else {"rs2": rs2})
    w.raw(FORMS[key].random_word(w.rng, **registers))


def amo(w: Writer) -> None:
    """Atomic memory operations on one word."""
    if not w.has("a"):
        return shared_access(w)
    _shared_word(w)
    for _ in range(w.rng.randrange(1, 4)):
        _atomic(w, w.rng.choice(AMOS), w.rd(), w.rs())


def bad_atomic(w: Writer) -> None:
    """Atomics that trap: misaligned, on a device, on no memory."""
    if not w.has("a"):
        return
    kind = w.rng.randrange(3)
    base = (WALK, EVENTS, BAD)[kind]
    if kind == 0:
        w.emit(
            "addi", rd=WALK, rs1=w.rng.choice((SHARED, SHARED_MAIN, BAD)), imm=w.rng.randrange(1, 4)
        )
    key = w.rng.choice(("lr.w", "sc.w", w.rng.choice(AMOS)))
    _atomic(w, key, w.rd(), None if key == "lr.w" else w.rs(), base)


def conditional(w: Writer) -> None:
    """LR and SC: pairs, also broken ones, and loops that try a few times."""
    if not w.has("a"):
        return shared_access(w)
    kind = w.rng.randrange(4)
    _shared_word(w)
    if kind == 0:  # no reservation, or one of another word
        if w.chance(0.5):
            _atomic(w, "lr.w", w.rd())
            _shared_word(w)
        _atomic(w, "sc.w", w.rd(), w.rs())
        return
    if kind == 1:  # a pair with something between
        _atomic(w, "lr.w", w.rd())
        for _ in range(w.rng.randrange(4)):
            w.rng.choice((shared_access, access))(w)
        if w.chance(0.2):
            w.emit("sw", rs1=WALK, rs2=w.rs(), imm=0)
        for _ in range(w.rng.randrange(1, 3)):
            _atomic(w, "sc.w", w.rd(), w.rs())
        return
    # Tries until it succeeds, a few times at most.
    value, failed = w.rng.sample(FREE, 2)
    w.emit("addi", rd=COUNT, imm=w.rng.randrange(1, 5))
    start = w.place
    _atomic(w, "lr.w", value)
    w.emit("addi", rd=value, rs1=value, imm=w.rng.randrange(-4, 5))
    _atomic(w, "sc.w", failed, value)
    w.emit("beq", rs1=failed, imm=12)
    w.emit("addi", rd=COUNT, rs1=COUNT, imm=-1)
    w.emit("bne", rs1=COUNT, imm=4 * (start - w.place))
