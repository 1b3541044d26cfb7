"""Checks of control and status registers: which there are, what they keep, what writes do."""

from sw_model.isa import encode
from sw_model.isa.bits import MASK
from sw_model.isa.trap import Cause
from verif.conformance.builder import ROWS, SCRATCH, Builder

OLD, NEW, NOW = 5, 6, 7

WRITABLE = {
    "mie": (0x304, 0x888),
    "mscratch": (0x340, MASK),
    "mepc": (0x341, MASK & ~3),
    "mcause": (0x342, 0x8000001F),
    "mtval": (0x343, MASK),
    "mcountinhibit": (0x320, 5),
}
"""Address of each register that keeps bits, and which."""

FIXED = {"mvendorid": 0xF11, "marchid": 0xF12, "mimpid": 0xF13, "mhartid": 0xF14}
FIXED |= {"mconfigptr": 0xF15}
IGNORED = {"misa": 0x301, "mstatush": 0x310, "mip": 0x344}
LOOPS = (0xCC0, 0xCC1, 0xCC2, 0xCC4, 0xCC5, 0xCC6)
VALUES = (0, MASK, 0x55555555, 0xAAAAAAAA, 0x00000001)


def _exist(loops: bool) -> set[int]:
    """Addresses of all registers, as the reference page lists them."""
    machine = {0x300, 0x301, 0x304, 0x305, 0x310, 0x320, 0x340, 0x341, 0x342, 0x343, 0x344}
    counters = {first + n for first in (0xB00, 0xB80) for n in (0, *range(2, 32))}
    selectors = set(range(0x323, 0x340))
    shadows = {0xC00, 0xC02, 0xC80, 0xC82}
    return machine | counters | selectors | shadows | set(FIXED.values()) | set(LOOPS * loops)


def registers(builder: Builder, *, loops: bool) -> None:
    """Read and write every address there could be: 1 where it is legal, 0 where it traps.

    A write here sets no bit, so that no register changes.
    """
    exist = _exist(loops)
    builder.flush()
    builder.emit("csrrs", rd=20, csr=0x305)
    builder.emit("auipc", rd=SCRATCH, imm_u=0)
    builder.emit("addi", rd=SCRATCH, rs1=SCRATCH, imm_i=16)
    builder.emit("csrrw", rs1=SCRATCH, csr=0x305)
    builder.emit("jal", imm_j=24)
    # This handler notes the trap and goes on behind the instruction.
    builder.emit("addi", rd=NOW, imm_i=0)
    builder.emit("csrrs", rd=SCRATCH, csr=0x341)
    builder.emit("addi", rd=SCRATCH, rs1=SCRATCH, imm_i=4)
    builder.emit("csrrw", rs1=SCRATCH, csr=0x341)
    builder.emit("mret")
    builder.emit("addi", rd=NEW, imm_i=0)
    for address in range(4096):
        for writes in (False, True):
            builder.emit("addi", rd=NOW, imm_i=1)
            builder.emit("csrrs", rd=OLD, rs1=NEW if writes else 0, csr=address)
            legal = address in exist and not (writes and address >> 10 == 3)
            what = f"{'write' if writes else 'read'} of {address:#05x}"
            builder.check(NOW, int(legal), f"{what}: legal")
    builder.emit("csrrw", rs1=20, csr=0x305)


def values(builder: Builder, *, event_counters: int, misa: int) -> None:
    """What each instruction reads and writes, in registers that keep bits."""
    masks = dict(WRITABLE)
    masks["mcountinhibit"] = (0x320, 5 | ((1 << event_counters) - 1) << 3)
    for n in range(29):
        there = n < event_counters
        masks[f"mhpmevent{3 + n}"] = (0x323 + n, 0xFF if there else 0)
        if not there:
            masks[f"mhpmcounter{3 + n}"] = (0xB03 + n, 0)
            masks[f"mhpmcounter{3 + n}h"] = (0xB83 + n, 0)
    for name, (address, mask) in masks.items():
        _register(builder, name, address, mask)
        builder.emit("csrrw", csr=address)
    _mtvec(builder)
    _mstatus(builder)
    for name, address in FIXED.items():
        builder.emit("csrrs", rd=OLD, csr=address)
        builder.check(OLD, 0, f"{name}")
        for code in ("csrrw", "csrrwi", "csrrsi", "csrrci"):
            operand = dict(zimm=1) if code.endswith("i") else dict(rs1=1)
            word = encode(ROWS[code], rd=OLD, csr=address, **operand)
            builder.trap(word, Cause.ILLEGAL, word, f"{code} of {name}")
    for name, address in IGNORED.items():
        builder.li(NEW, MASK)
        builder.emit("csrrw", rd=OLD, rs1=NEW, csr=address)
        builder.emit("csrrs", rd=NOW, csr=address)
        expected = misa if name == "misa" else 0
        builder.check(OLD, expected, name)
        builder.check(NOW, expected, f"{name} after a write")


def _register(builder: Builder, name: str, address: int, mask: int) -> None:
    """All six instructions, with each value on each value."""
    held = 0
    builder.emit("csrrw", csr=address)
    for value in VALUES:
        for code in ("csrrw", "csrrs", "csrrc"):
            for operand, instruction in ((value, code), (value & 31, f"{code}i")):
                old, held = held, _written(code, held, operand) & mask
                if instruction.endswith("i"):
                    builder.emit(instruction, rd=OLD, zimm=operand, csr=address)
                else:
                    builder.li(NEW, operand)
                    builder.emit(instruction, rd=OLD, rs1=NEW, csr=address)
                what = f"{instruction} {name}, {operand:08x}"
                builder.check(OLD, old, what)
                builder.emit("csrrs", rd=NOW, csr=address)
                builder.check(NOW, held, f"{what}: after")
    # The operand's register is the destination; register 0 as destination.
    builder.li(OLD, 0x13579BDF)
    builder.emit("csrrw", rd=OLD, rs1=OLD, csr=address)
    builder.check(OLD, held, f"csrrw {name}, rd is rs1")
    builder.emit("csrrc", rd=0, rs1=0, csr=address)
    builder.emit("csrrs", rd=OLD, csr=address)
    builder.check(OLD, 0x13579BDF & mask, f"csrrw {name}, rd is rs1: after")


def _written(code: str, old: int, operand: int) -> int:
    return {"csrrw": operand, "csrrs": old | operand, "csrrc": old & ~operand}[code]


def _mtvec(builder: Builder) -> None:
    builder.emit("csrrs", rd=20, csr=0x305)
    for value in VALUES:
        builder.li(NEW, value)
        builder.emit("csrrw", rs1=NEW, csr=0x305)
        builder.emit("csrrs", rd=NOW, csr=0x305)
        builder.check(NOW, value & ~2, f"mtvec written {value:08x}")
    builder.emit("csrrw", rs1=20, csr=0x305)


def _mstatus(builder: Builder) -> None:
    """MIE and MPIE can be written, MPP is 3; traps and mret move them. No interrupt is enabled."""
    builder.emit("csrrw", csr=0x304)
    for value in VALUES:
        builder.li(NEW, value)
        builder.emit("csrrw", rs1=NEW, csr=0x300)
        builder.emit("csrrs", rd=NOW, csr=0x300)
        builder.check(NOW, 0x1800 | value & 0x88, f"mstatus written {value:08x}")
    for value in (0, 8, 0x80, 0x88):
        builder.li(NEW, value)
        builder.emit("csrrw", rs1=NEW, csr=0x300)
        enabled = bool(value & 8)
        what = f"ecall with mstatus {value:#x}"
        builder.trap(encode(ROWS["ecall"]), Cause.ECALL, 0, what, enabled=enabled)
        builder.emit("csrrs", rd=NOW, csr=0x300)
        builder.check(NOW, 0x1880 | value & 8, f"{what}: after the handler")
    builder.emit("csrrw", csr=0x300)


def counters(builder: Builder) -> None:
    """minstret counts exactly and can be written; mcycle stops and goes on."""
    low, high, inhibit = 0xB02, 0xB82, 0x320
    for address in (low, high):
        builder.li(NEW, 0x12345678)
        builder.emit("csrrw", rs1=NEW, csr=address)
        builder.emit("csrrs", rd=OLD, csr=address)
        builder.check(OLD, 0x12345678, f"{address:#x} reads what was written")
    builder.emit("csrrw", csr=low)
    for count in (1, 2, 5):
        builder.emit("csrrs", rd=OLD, csr=low)
        for _ in range(count - 1):
            builder.emit("addi")
        builder.emit("csrrs", rd=NEW, csr=low)
        builder.emit("sub", rd=NOW, rs1=NEW, rs2=OLD)
        builder.check(NOW, count, f"minstret counts {count}")
    builder.emit("csrrs", rd=OLD, csr=low)
    builder.trap(encode(ROWS["ecall"]), Cause.ECALL, 0, "ecall while counting")
    builder.emit("csrrs", rd=NEW, csr=low)
    builder.emit("sub", rd=NOW, rs1=NEW, rs2=OLD)
    # Itself, the instruction that brings the pointer up to date, and the handler.
    builder.check(NOW, 1 + 1 + 16, "minstret counts a handler, but not what trapped")
    builder.li(NEW, MASK)
    builder.emit("csrrw", csr=high)
    builder.emit("csrrw", rs1=NEW, csr=low)
    builder.emit("addi")
    builder.emit("csrrs", rd=OLD, csr=low)
    builder.emit("csrrs", rd=NOW, csr=high)
    builder.check(OLD, 0, "minstret goes on at 0")
    builder.check(NOW, 1, "minstreth counts the overflow")
    builder.emit("csrrwi", zimm=4, csr=inhibit)
    builder.emit("csrrs", rd=OLD, csr=low)
    builder.emit("addi")
    builder.emit("csrrs", rd=NEW, csr=0xC02)
    builder.emit("sub", rd=NOW, rs1=NEW, rs2=OLD)
    builder.check(NOW, 0, "minstret is inhibited")
    builder.emit("csrrwi", zimm=1, csr=inhibit)
    builder.li(NEW, 0x0FEDCBA9)
    builder.emit("csrrw", rs1=NEW, csr=0xB00)
    builder.emit("csrrw", rs1=NEW, csr=0xB80)
    for address in (0xB00, 0xB80, 0xC00, 0xC80):
        builder.emit("csrrs", rd=OLD, csr=address)
        builder.check(OLD, 0x0FEDCBA9, f"{address:#x} of mcycle, inhibited, reads what was written")
    builder.emit("csrrw", csr=inhibit)
    builder.emit("csrrs", rd=OLD, csr=0xB00)
    builder.emit("csrrs", rd=NEW, csr=0xC00)
    builder.emit("sltu", rd=NOW, rs1=OLD, rs2=NEW)
    builder.check(NOW, 1, "mcycle goes on")
