"""Checks of loads and stores: sizes, addresses, neighbours, writeback, traps."""

import random

from hw.config import MAIN_BASE, TCDM_BASE
from sw_model.isa import encode
from sw_model.isa.bits import MASK, ones, signed
from sw_model.isa.row import Row
from sw_model.isa.trap import Cause
from verif.conformance.builder import FREE, Builder

NOWHERE = (0x0000_0000, 0x0FFF_FFFC, 0x4000_0000, 0x7FFF_FFFC, 0xFFFF_FFFC)
"""Addresses where no memory and no device is."""

PLACES = {"TCDM": TCDM_BASE + 0x100, "main memory": MAIN_BASE + 0xF_F000}
"""Areas that nothing else uses."""

WORDS = (0x8090A0F0, 0x7F6E5D4C, 0x81FE02FD, 0x0180FF7F)
"""What the area holds: bytes and halves of both signs."""

VALUE = 0xC3D2E1F0


class Access:
    """What a row of a load or store says.

    Attributes
    ----------
    size : int
        Bytes.
    is_load, is_signed, post : bool
        Whether it loads, extends the sign, and writes its base back.
    offset : str
        Its operand that is added to the base.
    in_register : bool
        Whether that is a register.
    """

    def __init__(self, row: Row):
        letters = row.name.removeprefix("cv.")
        self.row = row
        self.size = {"b": 1, "h": 2, "w": 4}[letters[1]]
        self.is_load = letters[0] == "l"
        self.is_signed = len(letters) == 2
        self.post = "(rs1)," in row.operands
        self.value = "rd" if self.is_load else "rs2"
        self.offset = next(n for n in row.fields if n not in ("rs1", self.value))
        self.in_register = self.offset.startswith("rs")
        self.name = f"{row.name} {row.operands}"

    def read(self, area: bytes, place: int) -> int:
        """What a load of that place gives."""
        value = int.from_bytes(area[place : place + self.size], "little")
        return (signed(value, 8 * self.size) if self.is_signed else value) & MASK


class Area:
    """A program's area, and the same bytes here."""

    def __init__(self, builder: Builder, name: str):
        self.builder, self.name, self.base = builder, name, PLACES[name]
        self.bytes = bytearray()

    def fill(self) -> None:
        """Store the area's words."""
        self.bytes = bytearray(b"".join(word.to_bytes(4, "little") for word in WORDS))
        self.builder.li(1, self.base)
        for index, word in enumerate(WORDS):
            self.builder.li(2, word)
            self.builder.emit("sw", rs1=1, rs2=2, imm_s=4 * index)

    def check(self, what: str) -> None:
        """Check all of it."""
        self.builder.li(1, self.base)
        for place in range(0, 16, 4):
            self.builder.emit("lw", rd=2, rs1=1, imm_i=place)
            expected = int.from_bytes(self.bytes[place : place + 4], "little")
            self.builder.check(2, expected, f"{what}: word {place}")


def accesses(builder: Builder, rows: list[Row], rng: random.Random) -> None:
    """Add all checks of these loads and stores, in each memory."""
    for name in PLACES:
        area = Area(builder, name)
        for row in rows:
            access = Access(row)
            area.fill()
            for place in range(0, 8, access.size):
                for offset in _offsets(access, rng):
                    _access(area, access, place, offset, rng)
            area.check(f"{access.name} in {name}")
            _equal_registers(area, access, rng)
            for place in range(8):
                if place % access.size:
                    _trap(builder, access, area.base + place, "MISALIGNED", rng)
    for row in rows:
        for address in NOWHERE:
            _trap(builder, Access(row), address, "FAULT", rng)


def _offsets(access: Access, rng: random.Random) -> tuple[int, ...]:
    if access.in_register:
        return 0, 4, -4 & MASK, 0x8000_0000, rng.getrandbits(32)
    return 0, 1, -1, 2047, -2048, rng.randrange(-2048, 2048)


def _access(area: Area, access: Access, place: int, offset: int, rng: random.Random) -> None:
    """One access on registers of its own."""
    builder, address = area.builder, area.base + place
    value, base, other = rng.sample(FREE[2:], 3)
    start = address if access.post else address - offset & MASK
    builder.li(value, VALUE)
    builder.li(base, start)
    operands = {access.value: value, "rs1": base, access.offset: offset}
    if access.in_register:
        builder.li(other, offset)
        operands[access.offset] = other
    builder.emit(access.row, **operands)
    what = f"{access.name} of {address:08x} by {offset & MASK:08x}"
    if access.is_load:
        builder.check(value, access.read(area.bytes, place), what)
    else:
        area.bytes[place : place + access.size] = VALUE.to_bytes(4, "little")[: access.size]
        builder.emit("lw", rd=value, rs1=1, imm_i=place & ~3)
        whole = int.from_bytes(area.bytes[place & ~3 : (place & ~3) + 4], "little")
        builder.check(value, whole, f"{what}: memory")
    builder.check(base, start + (offset if access.post else 0), f"{what}: base")


def _equal_registers(area: Area, access: Access, rng: random.Random) -> None:
    """Registers that are the same one, or register 0."""
    builder, what = area.builder, f"{access.name} in {area.name}"
    a, b = rng.sample(FREE[2:], 2)
    area.fill()
    amount = {access.offset: b if access.in_register else 8}
    step = 8 if access.post else 0
    first = 0 if access.post else 8
    if access.is_load:
        builder.li(b, 8)
        builder.li(a, area.base)
        builder.emit(access.row, rd=a, rs1=a, **amount)
        builder.check(a, access.read(area.bytes, first), f"{what} into its base")
        builder.li(a, area.base)
        builder.emit(access.row, rd=0, rs1=a, **amount)
        builder.check(a, area.base + step, f"{what} into x0: base")
        builder.check(0, 0, f"{what} into x0")
    else:
        builder.li(b, 8)
        builder.li(a, area.base)
        builder.emit(access.row, rs2=a, rs1=a, **amount)
        low = area.base & ones(8 * access.size)
        area.bytes[first : first + access.size] = low.to_bytes(access.size, "little")
        builder.check(a, area.base + step, f"{what} of its base: base")
    if access.in_register:
        _offset_is_another(area, access, what, a, b)
    area.check(what)


def _offset_is_another(area: Area, access: Access, what: str, a: int, b: int) -> None:
    """The offset's register is the value's, then the base's."""
    builder = area.builder
    builder.li(a, area.base)
    builder.li(b, 8)
    builder.emit(access.row, **{access.value: b, "rs1": a, access.offset: b})
    place = 0 if access.post else 8
    if access.is_load:
        builder.check(b, access.read(area.bytes, place), f"{what} into its offset")
    else:
        area.bytes[place : place + access.size] = bytes([8, 0, 0, 0][: access.size])
    builder.check(a, area.base + (8 if access.post else 0), f"{what}, value is offset: base")
    start = area.base if access.post else area.base + 8 >> 1
    builder.li(a, start)
    builder.li(b, VALUE)
    builder.emit(access.row, **{access.value: b, "rs1": a, access.offset: a})
    if access.is_load:
        builder.check(b, access.read(area.bytes, place), f"{what} by its base")
    else:
        area.bytes[place : place + access.size] = VALUE.to_bytes(4, "little")[: access.size]
    builder.check(a, 2 * start if access.post else start, f"{what} by its base: base")


def _trap(builder: Builder, access: Access, address: int, kind: str, rng: random.Random) -> None:
    """An access that traps and changes nothing."""
    value, base, other = rng.sample(FREE, 3)
    builder.li(value, VALUE)
    builder.li(other, 16)
    start = address if access.post else address - 16 & MASK
    builder.li(base, start)
    amount = other if access.in_register else 16
    word = encode(access.row, **{access.value: value, "rs1": base, access.offset: amount})
    cause = Cause[f"{'LOAD' if access.is_load else 'STORE'}_{kind}"]
    what = f"{access.name} of {address:08x}"
    builder.trap(word, cause, address, what)
    builder.check(value, VALUE, f"{what}: value stays")
    builder.check(base, start, f"{what}: base stays")
