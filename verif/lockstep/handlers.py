"""Trap handlers of random programs: what trapped is skipped, interrupts are cleared."""

from hw.regmap import EVENTS as EVENT_UNIT
from verif.lockstep.layout import EVENTS, HANDLER, LINK
from verif.lockstep.system_pieces import MCAUSE, MEPC, MSCRATCH
from verif.lockstep.writer import Writer

_SOFTWARE, _TIMER, _EXTERNAL = 3, 7, 11
_VECTORS = 12


def write_handlers(w: Writer) -> tuple[int, int]:
    """Write the handlers; return their address for direct mode and for vectored mode."""
    vectors = w.pc
    for _ in range(_VECTORS):
        w.raw(0)

    def vector(*codes: int) -> None:
        for code in codes:
            place = (vectors - w.base) // 4 + code
            w.patch(place, "jal", imm=w.pc - (vectors + 4 * code))

    # All but the interrupts that are there: those never come.
    vector(*(code for code in range(_VECTORS) if code not in (_SOFTWARE, _TIMER, _EXTERNAL)))
    direct = w.pc
    _swap(w)
    w.emit("csrrs", rd=HANDLER, imm=MCAUSE)
    to_exception = w.place
    w.raw(0)
    # An interrupt in direct mode.
    w.emit("andi", rd=HANDLER, rs1=HANDLER, imm=15)
    w.emit("addi", rd=HANDLER, rs1=HANDLER, imm=-_SOFTWARE)
    to_software = w.place
    w.raw(0)
    w.emit("addi", rd=HANDLER, rs1=HANDLER, imm=_SOFTWARE - _TIMER)
    to_timer = w.place
    w.raw(0)
    to_external = w.place
    w.raw(0)

    vector(_SOFTWARE)
    _swap(w)
    w.patch(to_software, "beq", rs1=HANDLER, imm=4 * (w.place - to_software))
    w.emit("sw", rs1=EVENTS, rs2=0, imm=EVENT_UNIT["msip"].address(w.hart))
    _leave(w)

    vector(_TIMER)
    _swap(w)
    w.patch(to_timer, "beq", rs1=HANDLER, imm=4 * (w.place - to_timer))
    w.emit("addi", rd=HANDLER, imm=-1)
    w.emit("sw", rs1=EVENTS, rs2=HANDLER, imm=EVENT_UNIT["mtimecmp_high"].address(w.hart))
    _leave(w)

    vector(_EXTERNAL)
    _swap(w)
    w.patch(to_external, "jal", imm=4 * (w.place - to_external))
    w.emit("addi", rd=HANDLER, imm=7)
    w.emit("sw", rs1=EVENTS, rs2=HANDLER, imm=EVENT_UNIT["event_pending"].address(w.hart))
    _leave(w)

    # An exception; a fetch fault goes on at LINK.
    w.patch(to_exception, "bge", rs1=HANDLER, rs2=0, imm=4 * (w.place - to_exception))
    w.emit("addi", rd=HANDLER, rs1=HANDLER, imm=-1)
    w.emit("beq", rs1=HANDLER, imm=4 * 6)
    w.emit("csrrs", rd=HANDLER, imm=MEPC)
    w.emit("addi", rd=HANDLER, rs1=HANDLER, imm=4)
    w.emit("csrrw", rs1=HANDLER, imm=MEPC)
    _leave(w)
    w.emit("csrrw", rs1=LINK, imm=MEPC)
    _leave(w)
    return direct, vectors


def _swap(w: Writer) -> None:
    w.emit("csrrw", rd=HANDLER, rs1=HANDLER, imm=MSCRATCH)


def _leave(w: Writer) -> None:
    _swap(w)
    w.emit("mret")
