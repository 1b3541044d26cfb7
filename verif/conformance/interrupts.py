"""Checks of interrupts: when they are taken, which first, where they go, what wakes a hart."""

from hw import regmap
from sw_model.isa import csr
from verif.conformance.builder import SCRATCH, Builder

SOFTWARE, TIMER, EXTERNAL = csr.SOFTWARE, csr.TIMER, csr.EXTERNAL
MARK, VALUE, BASE, OLD_VECTOR, SEEN = 5, 6, 7, 8, 9
NONE = 0
"""MARK's value when no handler ran."""


def offset(name: str) -> int:
    """Address of a register of the event unit: its first hart's."""
    (register,) = (r for r in regmap.EVENTS.registers if r.name == name)
    return regmap.DEVICE_BASE + regmap.EVENTS.offset + register.offset


def interrupts(builder: Builder) -> None:
    """Every set of pending and enabled interrupts, in both modes of `mtvec`."""
    builder.emit("csrrs", rd=OLD_VECTOR, csr=csr.MTVEC)
    handler = _handler(builder)
    for vectored in (False, True):
        builder.li(SCRATCH, handler + vectored)
        builder.emit("csrrw", rs1=SCRATCH, csr=csr.MTVEC)
        for pending in _sets(SOFTWARE, TIMER, EXTERNAL):
            _raise(builder, pending)
            for enabled in _sets(SOFTWARE, TIMER, EXTERNAL):
                for way in ("mstatus", "mie", "mret"):
                    _take(builder, handler, vectored, pending, enabled, way)
            if pending:
                _sleep(builder, pending)
    _raise(builder, ())
    builder.emit("csrrw", rs1=OLD_VECTOR, csr=csr.MTVEC)


def _sets(*items: int) -> list[tuple[int, ...]]:
    return [tuple(x for n, x in enumerate(items) if bits >> n & 1) for bits in range(8)]


def _handler(builder: Builder) -> int:
    """The handler and its table of vectors; return their address.

    It notes which entry it came by in MARK, and leaves with interrupts disabled in mie.
    """
    builder.emit("jal", imm_j=4 * 16)
    address = builder.here
    for _ in range(12):
        builder.emit("jal", rd=MARK, imm_j=address + 4 * 12 - builder.here)
    builder.emit("csrrw", csr=csr.MIE)
    builder.emit("mret")
    builder.emit("addi")
    return address


def _set(builder: Builder, name: str, value: int) -> None:
    builder.li(BASE, offset(name))
    builder.li(VALUE, value)
    builder.emit("sw", rs1=BASE, rs2=VALUE)


def _raise(builder: Builder, pending: tuple[int, ...]) -> None:
    """Raise these levels and no others, and check that mip shows them."""
    _set(builder, "msip", SOFTWARE in pending)
    _set(builder, "mtimecmp_high", 0 if TIMER in pending else 0xFFFFFFFF)
    _set(builder, "mtimecmp_low", 0 if TIMER in pending else 0xFFFFFFFF)
    _set(builder, "event_enable", 4)
    if EXTERNAL in pending:
        _set(builder, "event_set", 1)
    else:
        _set(builder, "event_pending", 7)
    for _ in range(8):
        builder.emit("addi")
    builder.emit("csrrs", rd=SEEN, csr=csr.MIP)
    builder.check(SEEN, sum(1 << code for code in pending), f"mip with {pending} pending")


def _take(builder, handler, vectored, pending, enabled, way) -> None:
    """Enable interrupts by a write of mstatus or mie, or by `mret`, and see which is taken."""
    mie = sum(1 << code for code in enabled)
    code = next((c for c in (EXTERNAL, SOFTWARE, TIMER) if c in pending and c in enabled), None)
    what = f"{pending} pending, {enabled} enabled by {way}"
    builder.emit("addi", rd=MARK, imm_i=NONE)
    builder.emit("csrrwi", zimm=0, csr=csr.MCAUSE)
    builder.li(VALUE, mie)
    if way == "mie":
        builder.emit("csrrsi", zimm=8, csr=csr.MSTATUS)
        builder.emit("csrrw", rs1=VALUE, csr=csr.MIE)
    elif way == "mstatus":
        builder.emit("csrrw", rs1=VALUE, csr=csr.MIE)
        builder.emit("csrrsi", zimm=8, csr=csr.MSTATUS)
    else:
        builder.emit("csrrw", rs1=VALUE, csr=csr.MIE)
        builder.li(VALUE, 0x80)
        builder.emit("csrrs", rs1=VALUE, csr=csr.MSTATUS)
        builder.emit("auipc", rd=SCRATCH, imm_u=0)
        builder.emit("addi", rd=SCRATCH, rs1=SCRATCH, imm_i=16)
        builder.emit("csrrw", rs1=SCRATCH, csr=csr.MEPC)
        builder.emit("mret")
    resumed = builder.here
    builder.emit("csrrwi", zimm=0, csr=csr.MIE)
    entry = handler + (4 * code if vectored and code is not None else 0)
    builder.check(MARK, NONE if code is None else entry + 4, f"{what}: entry")
    builder.emit("csrrs", rd=SEEN, csr=csr.MCAUSE)
    builder.check(SEEN, 0 if code is None else 1 << 31 | code, f"{what}: mcause")
    if code is not None:
        builder.emit("csrrs", rd=SEEN, csr=csr.MEPC)
        builder.check(SEEN, resumed, f"{what}: mepc")
        builder.emit("csrrs", rd=SEEN, csr=csr.MTVAL)
        builder.check(SEEN, 0, f"{what}: mtval")
    if way == "mret" or code is not None:
        builder.emit("csrrs", rd=SEEN, csr=csr.MSTATUS)
        builder.check(SEEN, 0x1888, f"{what}: mstatus")
    builder.emit("csrrw", csr=csr.MSTATUS)


def _sleep(builder: Builder, pending: tuple[int, ...]) -> None:
    """`wfi` ends when an enabled interrupt is pending, also when mstatus keeps it from being
    taken."""
    builder.emit("addi", rd=MARK, imm_i=NONE)
    builder.li(VALUE, sum(1 << code for code in pending))
    builder.emit("csrrw", rs1=VALUE, csr=csr.MIE)
    builder.emit("wfi")
    builder.emit("csrrw", csr=csr.MIE)
    builder.check(MARK, NONE, f"wfi with {pending} pending")
