"""Pieces of random programs that compute, and uses of results that come late."""

from verif.lockstep.layout import DATA, OFFSET
from verif.lockstep.words import COMPUTING, FORMS, Form
from verif.lockstep.writer import CORNERS, Writer

_GROUP_WEIGHTS = {
    "i": 30,
    "m": 10,
    "xcv_alu": 10,
    "xcv_bitmanip": 9,
    "xcv_mac": 10,
    "xcv_simd": 30,
    "xheed": 4,
}
_CORNER_GROUPS = ("m", "xcv_alu", "xcv_mac", "xcv_simd", "xcv_simd", "xheed")
_LATE_GROUPS = ("m", "xcv_mac", "xheed")


def compute(w: Writer) -> None:
    """Any computing instruction."""
    groups = [group for group in _GROUP_WEIGHTS if w.has(group)]
    group = w.rng.choices(groups, [_GROUP_WEIGHTS[name] for name in groups])[0]
    _write(w, w.rng.choice(COMPUTING[group]), w.rd())


def constant(w: Writer) -> None:
    """A register gets a number that matters to some instruction."""
    w.immediate(w.rd(), w.value())


def requantise(w: Writer) -> None:
    """heed.rq with parameters that do not only saturate."""
    if not w.has("xheed"):
        return compute(w)
    source, parameters = w.few(), w.few()
    shift = w.rng.randrange(4, 24)
    mul = w.rng.getrandbits(16) >> w.rng.randrange(12)
    w.immediate(source, w.rng.getrandbits(w.rng.randrange(8, 20)) * w.rng.choice((1, -1)))
    w.immediate(parameters, w.rng.getrandbits(8) << 24 | shift << 16 | mul)
    form = w.rng.choice(COMPUTING["xheed"])
    for _ in range(w.rng.randrange(1, 5)):
        w.raw(form.random_word(w.rng, rd=w.rd(), rs1=source, rs2=parameters))


def corner(w: Writer) -> None:
    """Instructions whose operands are all corners."""
    sources = w.few(), w.few()
    for source in sources:
        w.immediate(source, w.rng.choice(CORNERS))
    groups = [group for group in _CORNER_GROUPS if w.has(group)] or ["i"]
    for _ in range(w.rng.randrange(2, 7)):
        form = w.rng.choice(COMPUTING[w.rng.choice(groups)])
        registers = {name: w.rng.choice(sources) for name in form.registers}
        w.raw(form.random_word(w.rng, **registers | {"rd": w.rd()}))


def late_use(w: Writer) -> None:
    """A result that comes late, and its use or its overwriting 0 to 3 instructions later."""
    late = w.few()
    _late_result(w, late)
    for _ in range(w.rng.choice((0, 0, 1, 1, 2, 3))):
        compute(w)
    kind = w.rng.randrange(5)
    if kind == 0:  # overwritten, by something early or late again
        w.rng.choice((_early_result, _late_result))(w, late)
    elif kind == 1:
        w.emit(w.rng.choice(("sb", "sh", "sw")), rs1=DATA, rs2=late, imm=4 * w.rng.randrange(8))
    elif kind == 2:
        _chase(w)
    else:
        _late_user(w, late)


def _write(w: Writer, form: Form, rd: int, source: int | None = None) -> None:
    registers = {name: w.rs() for name in form.registers}
    registers["rd"] = rd
    if source is not None:
        sources = [name for name in form.registers if name != "rd"]
        if sources:
            registers[w.rng.choice(sources)] = source
    w.raw(form.random_word(w.rng, **registers))


def _early_result(w: Writer, rd: int) -> None:
    _write(w, w.rng.choice(COMPUTING["i"]), rd)


def _late_result(w: Writer, rd: int) -> None:
    groups = [group for group in _LATE_GROUPS if w.has(group)]
    if groups and w.chance(0.6):
        _write(w, w.rng.choice(COMPUTING[w.rng.choice(groups)]), rd)
    elif w.has("xcv_mem") and w.chance(0.3):
        offset = w.rng.randrange(-128, 128)
        w.emit("addi", rd=OFFSET, imm=4 * offset)
        w.raw(_indexed_load().random_word(w.rng, rd=rd, rs1=DATA, rs2=OFFSET))
    else:
        name = w.rng.choice(("lb", "lbu", "lh", "lhu", "lw"))
        w.emit(name, rd=rd, rs1=DATA, imm=4 * w.rng.randrange(8))


def _late_user(w: Writer, source: int) -> None:
    groups = [group for group in _GROUP_WEIGHTS if w.has(group)]
    _write(w, w.rng.choice(COMPUTING[w.rng.choice(groups)]), w.rd(), source)


def _indexed_load() -> Form:
    return next(
        f for f in FORMS.values() if f.row.name == "cv.lw" and "(rs1)," not in f.row.operands
    )


def _chase(w: Writer) -> None:
    """Each load's address comes from the last."""
    pointer, place = w.few(), 4 * w.rng.randrange(8)
    w.emit("addi", rd=pointer, rs1=DATA, imm=4 * w.rng.randrange(-64, 64))
    w.emit("sw", rs1=DATA, rs2=pointer, imm=place)
    w.emit("lw", rd=pointer, rs1=DATA, imm=place)
    w.emit("lw", rd=w.rd(), rs1=pointer, imm=4 * w.rng.randrange(-8, 8))
