"""Checks of what traps by itself: illegal words, `ecall`, `ebreak`, extensions left out."""

import random

from hw.config import CoreConfig
from sw_model.isa import decode, encode
from sw_model.isa.disassemble import disassemble
from sw_model.isa.table import TABLE
from sw_model.isa.trap import Cause
from verif.conformance.builder import ROWS, Builder


def environment(builder: Builder) -> None:
    """`ecall` and `ebreak`, and instructions that do nothing but go on."""
    for _ in range(2):
        builder.trap(encode(ROWS["ecall"]), Cause.ECALL, 0, "ecall")
        builder.flush()
        builder.trap(encode(ROWS["ebreak"]), Cause.BREAKPOINT, builder.here, "ebreak")
    for order in (0x00, 0x11, 0xFF, 0x0F, 0xF0):
        builder.word(ROWS["fence"].match | order << 20)
    builder.emit("fence.i")
    builder.emit("addi", rd=5, imm_i=1)
    builder.check(5, 1, "fences")


def words(builder: Builder, rng: random.Random, core: CoreConfig) -> None:
    """Words next to legal ones, and some random ones."""
    groups = {"i", *core.groups}
    tried = {0x00000000, 0xFFFFFFFF, 0x00000001, 0x10000073, 0x30200073 ^ 1 << 30, 0x7B200073}
    for row in TABLE:
        fixed = [bit for bit in range(32) if row.mask >> bit & 1]
        for bit in rng.sample(fixed, 5):
            tried.add(row.match ^ 1 << bit | rng.getrandbits(32) & ~row.mask)
    tried.update(rng.getrandbits(32) | 3 for _ in range(300))
    for word in sorted(tried):
        decoded = decode(word)
        if decoded is None or decoded.row.group not in groups:
            builder.trap(word, Cause.ILLEGAL, word, f"{word:#010x}")


def absent(builder: Builder, core: CoreConfig) -> None:
    """Every instruction of the extensions that the core does not have."""
    for row in TABLE:
        if row.group not in ("i", *core.groups):
            what = disassemble(row.match)
            builder.trap(row.match, Cause.ILLEGAL, row.match, what)
