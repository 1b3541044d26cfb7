"""Checks of the hardware loops: how often bodies run, what registers read, odd programs."""

from sw_model.isa import encode
from sw_model.isa.trap import Cause
from verif.conformance.builder import ROWS, Builder

COUNT, INNER, OUTER, START, END = 5, 6, 7, 8, 9
LOOPS = (0, 1)


def _count(builder: Builder, register: int) -> None:
    builder.emit("addi", rd=register, rs1=register, imm_i=1)


def _clear(builder: Builder) -> None:
    for register in (INNER, OUTER):
        builder.emit("addi", rd=register, imm_i=0)


def single(builder: Builder) -> None:
    """Each way to set up a loop, with bodies of 1 to 8 instructions and few or many rounds."""
    for loop in LOOPS:
        for body in range(1, 9):
            for rounds in (0, 1, 2, 3, 17):
                for setup in ("cv.setupi", "cv.setup", "cv.counti", "cv.count"):
                    _single(builder, setup, loop, body, rounds)


def _single(builder: Builder, setup: str, loop: int, body: int, rounds: int) -> None:
    _clear(builder)
    builder.li(COUNT, rounds)
    if setup == "cv.setupi":
        builder.emit(setup, loop=loop, count=rounds, near=4 * (body + 1))
    elif setup == "cv.setup":
        builder.emit(setup, loop=loop, rs1=COUNT, far=4 * (body + 1))
    else:
        builder.emit("cv.starti", loop=loop, far=12)
        builder.emit("cv.endi", loop=loop, far=8 + 4 * body)
        operand = dict(count=rounds) if setup == "cv.counti" else dict(rs1=COUNT)
        builder.emit(setup, loop=loop, **operand)
    for _ in range(body):
        _count(builder, INNER)
    _count(builder, OUTER)
    what = f"{setup} {loop}, {body} instructions, {rounds} rounds"
    builder.check(INNER, body * max(rounds, 1), what)
    builder.check(OUTER, 1, f"{what}: what follows")
    if rounds:
        _registers(builder, loop, (None, None, 0), what)
    else:
        builder.emit("cv.counti", loop=loop, count=0)


def _registers(builder: Builder, loop: int, values: tuple, what: str) -> None:
    """Check a loop's registers, those that are not None."""
    for index, value in enumerate(values):
        if value is not None:
            builder.emit("csrrs", rd=INNER, csr=0xCC0 + 4 * loop + index)
            name = ("lpstart", "lpend", "lpcount")[index]
            builder.check(INNER, value, f"{what}: {name}{loop}")


def nested(builder: Builder) -> None:
    """Loop 0 in loop 1, and the other way round; distances between their ends."""
    for inner in LOOPS:
        for rounds in ((1, 1), (2, 3), (5, 4)):
            for between in (1, 2, 5):
                _clear(builder)
                first, second = rounds
                builder.emit("cv.setupi", loop=1 - inner, count=first, near=4 * (4 + between))
                builder.emit("cv.setupi", loop=inner, count=second, near=4 * 3)
                _count(builder, INNER)
                _count(builder, INNER)
                for _ in range(between):
                    _count(builder, OUTER)
                what = f"loop {inner} inside, {first} x {second} rounds, {between} between the ends"
                builder.check(INNER, 2 * first * second, what)
                builder.check(OUTER, first * between, f"{what}: outer")


def same_end(builder: Builder) -> None:
    """Both loops end with one instruction: only loop 0 counts until its count is 0."""
    for first, second in ((1, 1), (1, 3), (3, 1), (3, 2)):
        _clear(builder)
        builder.emit("cv.setupi", loop=1, count=second, near=12)
        builder.emit("cv.setupi", loop=0, count=first, near=8)
        _count(builder, INNER)
        _count(builder, OUTER)
        # Loop 0 leaves through its last round without loop 1 being looked at.
        what = f"one end for both loops, counts {first} and {second}"
        builder.check(INNER, first, what)
        builder.check(OUTER, 1, f"{what}: what follows")
        _registers(builder, 1, (None, None, second), what)
        builder.emit("cv.counti", loop=1, count=0)


def registers(builder: Builder) -> None:
    """What the loop registers hold; addresses drop their low bits; CSRs cannot be written."""
    for loop in LOOPS:
        for value in (0, 1, 2, 3, 4, 0x7FFFFFFF, 0xFFFFFFFF):
            builder.li(COUNT, value)
            builder.emit("cv.start", loop=loop, rs1=COUNT)
            builder.emit("cv.end", loop=loop, rs1=COUNT)
            builder.emit("cv.count", loop=loop, rs1=COUNT)
            _registers(builder, loop, (value & ~3, value & ~3, value), f"set to {value:#x}")
            builder.emit("cv.counti", loop=loop, count=0)
        for distance in (0, 4, 4 * 4095):
            pc = builder.here
            builder.emit("cv.starti", loop=loop, far=distance)
            builder.emit("cv.endi", loop=loop, far=distance)
            values = (pc + distance, pc + 4 + distance, None)
            _registers(builder, loop, values, f"{distance} bytes ahead")
            pc = builder.here
            builder.emit("cv.setup", loop=loop, rs1=0, far=distance)
            _registers(builder, loop, (pc + 4, pc + distance, 0), f"set up, {distance} bytes")
        for near in (8, 124):
            pc = builder.here
            builder.emit("cv.setupi", loop=loop, count=4095, near=near)
            builder.emit("cv.counti", loop=loop, count=4095)
            _registers(builder, loop, (pc + 4, pc + near), f"set up, {near} bytes")
            builder.emit("cv.counti", loop=loop, count=0)
        for index in range(3):
            for name, operands in (("csrrw", dict(rs1=0)), ("csrrsi", dict(zimm=1))):
                builder.flush()
                word = encode(ROWS[name], csr=0xCC0 + 4 * loop + index, **operands)
                builder.trap(word, Cause.ILLEGAL, word, f"{name} of loop register {index}")


def last_instructions(builder: Builder) -> None:
    """What the last instruction of a body may be, and when the loop goes on then."""
    mscratch = 0x340
    goes_on = {
        "fence": encode(ROWS["fence"]),
        "csrrs": encode(ROWS["csrrs"], rd=END, csr=mscratch),
        "bne that is not taken": encode(ROWS["bne"], imm_b=8),
        "mul": encode(ROWS["mul"], rd=END, rs1=INNER, rs2=INNER),
        "div": encode(ROWS["div"], rd=END, rs1=INNER, rs2=INNER),
    }
    leaves = {
        "beq to the next": encode(ROWS["beq"], imm_b=4),
        "jal to the next": encode(ROWS["jal"], imm_j=4),
        "fence.i": encode(ROWS["fence.i"]),
        "an instruction of the other loop": encode(ROWS["cv.counti"], loop=1),
    }
    for what, word in (goes_on | leaves).items():
        _clear(builder)
        builder.emit("cv.setupi", loop=0, count=3, near=12)
        _count(builder, INNER)
        builder.word(word)
        _count(builder, OUTER)
        builder.emit("addi", rd=START, rs1=INNER, imm_i=0)
        builder.emit("csrrs", rd=COUNT, csr=0xCC2)
        builder.check(START, 3 if what in goes_on else 1, f"a body that ends in {what}")
        builder.check(OUTER, 1, f"a body that ends in {what}: what follows")
        builder.check(COUNT, 0 if what in goes_on else 3, f"a body that ends in {what}: count")
        builder.emit("cv.counti", loop=0, count=0)


def jumps(builder: Builder) -> None:
    """Jumps into a body, out of it, and a loop that is ended from inside."""
    _clear(builder)
    builder.emit("cv.setupi", loop=0, count=4, near=20)
    _count(builder, INNER)
    builder.emit("addi", rd=COUNT, rs1=INNER, imm_i=-2)
    builder.emit("beq", rs1=COUNT, rs2=0, imm_b=12)
    _count(builder, OUTER)
    builder.emit("addi", rd=COUNT, imm_i=0)
    builder.check(INNER, 2, "a branch out of a body")
    builder.check(OUTER, 1, "a branch out of a body: the rest")
    _registers(builder, 0, (None, None, 3), "a branch out of a body")
    builder.emit("cv.counti", loop=0, count=0)
    _clear(builder)
    builder.emit("cv.setupi", loop=0, count=5, near=24)
    _count(builder, INNER)
    builder.emit("addi", rd=COUNT, rs1=INNER, imm_i=-2)
    builder.emit("bne", rs1=COUNT, rs2=0, imm_b=8)
    builder.emit("cv.counti", loop=0, count=1)
    builder.emit("addi", rd=COUNT, imm_i=0)
    builder.check(INNER, 2, "a count of 1 written in the body")
