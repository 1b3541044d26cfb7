"""A random program: what its harts run, their data, and how the bench disturbs them."""

import random
import struct
from dataclasses import dataclass

from heed.errors import HeedError
from hw.config import MAIN_BASE, CoreConfig
from verif.lockstep import layout
from verif.lockstep.compute_pieces import compute, constant, corner, late_use, requantise
from verif.lockstep.control_pieces import (
    branch,
    call,
    counted_loop,
    hardware_loop,
    jump,
    simple,
)
from verif.lockstep.handlers import write_handlers
from verif.lockstep.memory_pieces import (
    access,
    amo,
    conditional,
    indexed_access,
    shared_access,
    walk,
)
from verif.lockstep.system_pieces import (
    ALL_INTERRUPTS,
    MHARTID,
    MIE,
    MSTATUS,
    MTVEC,
    STATUS_MIE,
    barrier,
    changed_code,
    csr,
    device,
    fence,
    interrupt_enables,
    misaligned,
    sleep,
    trap,
    trap_return,
)
from verif.lockstep.writer import Writer

MAGIC = b"HEEDLOCK"
ENTRY = MAIN_BASE
BARRIERS = 3

_PIECES = {
    compute: 60,
    late_use: 25,
    requantise: 1,
    constant: 5,
    corner: 2,
    access: 30,
    indexed_access: 10,
    walk: 12,
    shared_access: 8,
    amo: 4,
    conditional: 3,
    branch: 16,
    jump: 5,
    hardware_loop: 6,
    csr: 6,
    interrupt_enables: 2,
    device: 2,
    sleep: 0.6,
    fence: 1.5,
    trap: 3,
    misaligned: 1,
    trap_return: 1,
    changed_code: 0.8,
}
_TCDM_PIECES = {simple: 10, branch: 3, jump: 1, hardware_loop: 2, csr: 1, trap: 1, changed_code: 1}
_LOOP_PIECES = {simple: 10, branch: 2, hardware_loop: 2, amo: 1, conditional: 0.5, csr: 0.5}


@dataclass(frozen=True)
class Disturbance:
    """What the bench does to the harts.

    Attributes
    ----------
    grant : int
        256ths of the probability that a TCDM request gets through in a cycle.
    stall : int
        256ths of the probability that a fetch or an access to main memory waits in a cycle.
    interrupts : int
        65536ths of the probability that interrupts are raised in a cycle.
    phase : int
        Cycles that pass before the start: others draw other random numbers.
    """

    grant: int = 256
    stall: int = 0
    interrupts: int = 0
    phase: int = 0

    def __post_init__(self):
        limits = {
            "grant": (1, 256),
            "stall": (0, 255),
            "interrupts": (0, 65535),
            "phase": (0, 1 << 20),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise HeedError(f"{name} is {value}, but must be from {low} to {high}")

    @classmethod
    def draw(cls, rng: random.Random) -> "Disturbance":
        return cls(
            grant=rng.choice((256, 256, 230, 160, 60)),
            stall=rng.choice((0, 0, 30, 100, 200)),
            interrupts=rng.choice((0, 100, 400, 1200)),
            phase=rng.randrange(1, 500),
        )


class RandomProgram:
    """Code and data of every hart, from a seed.

    Straight pieces full of hazards, loads and stores of every kind, atomics on shared words,
    branches, jumps, hardware loops, CSRs, traps and interrupts, code in TCDM and code that
    changes. Each hart ends by storing 1 to its `tohost`.

    Parameters
    ----------
    seed
        Decides everything.
    length
        Instructions that a hart runs, about.
    core
        Whose extensions are used.
    disturbance
        Drawn from the seed when left out.

    Attributes
    ----------
    segments : list of (int, bytes)
        Addresses and contents of memory; all else is 0.
    """

    def __init__(
        self,
        seed: int,
        length: int = 10_000,
        *,
        core: CoreConfig | None = None,
        disturbance: Disturbance | None = None,
    ):
        self.seed = seed
        self.length = length
        rng = random.Random(seed)
        drawn = Disturbance.draw(rng)
        self.disturbance = disturbance or drawn
        if length < 1:
            raise HeedError(f"length is {length}, but must be 1 or more")
        groups = (core or CoreConfig()).groups
        self.segments: list[tuple[int, bytes]] = []
        for hart in range(layout.HARTS):
            self._write_hart(rng, hart, length, groups)
        for base in (layout.TCDM_SHARED, layout.MAIN_SHARED):
            self.segments.append((base, rng.randbytes(layout.SHARED_BYTES)))

    @property
    def options(self) -> str:
        """The options of `python -m verif.lockstep` that make this program again."""
        d = self.disturbance
        return (
            f"--seed {self.seed} --programs 1 --length {self.length} --grant {d.grant} "
            f"--stall {d.stall} --interrupts {d.interrupts} --phase {d.phase}"
        )

    @property
    def instructions(self) -> int:
        """Words of code."""
        return sum(len(data) for base, data in self.segments if self._is_code(base)) // 4

    @staticmethod
    def _is_code(base: int) -> bool:
        return base in {layout.main_code(hart) for hart in range(layout.HARTS)}

    def _write_hart(self, rng: random.Random, hart: int, length: int, groups) -> None:
        tcdm, blocks = self._tcdm_blocks(rng, hart, groups)
        w = Writer(rng, hart, layout.main_code(hart), groups)
        if hart == 0:
            _boot(w)
        else:
            while w.place < _BOOT_WORDS:
                w.emit("addi")
        _prologue(w)
        barriers = [length * number // BARRIERS for number in range(BARRIERS)]
        pieces, weights = list(_PIECES), list(_PIECES.values())
        inner, inner_weights = list(_LOOP_PIECES), list(_LOOP_PIECES.values())
        while w.executed < length:
            if barriers and w.executed >= barriers[0]:
                barriers.pop(0)
                barrier(w)
            kind = rng.random()
            if kind < 0.03:
                counted_loop(w, lambda w: rng.choices(inner, inner_weights)[0](w))
            elif kind < 0.05:
                call(w, blocks)
            else:
                rng.choices(pieces, weights)[0](w)
        for _ in barriers:
            barrier(w)
        _epilogue(w)
        code = _bytes(w.words)
        if len(code) > layout.MAIN_CODE_BYTES:
            raise HeedError(
                f"length is {length}, which takes {len(code)} bytes of code, but "
                f"{layout.MAIN_CODE_BYTES} are there"
            )
        self.segments += [
            (w.base, code),
            (tcdm.base, _bytes(tcdm.words)),
            (layout.tcdm_area(hart), rng.randbytes(layout.AREA_BYTES)),
            (layout.main_area(hart), rng.randbytes(layout.AREA_BYTES)),
        ]

    def _tcdm_blocks(self, rng: random.Random, hart: int, groups) -> tuple[Writer, list[int]]:
        """Blocks of code in TCDM that return by RETURN."""
        w = Writer(rng, hart, layout.tcdm_code(hart), groups)
        blocks = []
        while 4 * len(w.words) < layout.TCDM_CODE_BYTES * 2 // 3:
            blocks.append(w.pc)
            for _ in range(rng.randrange(1, 8)):
                rng.choices(list(_TCDM_PIECES), list(_TCDM_PIECES.values()))[0](w)
            w.emit("jalr", rs1=layout.RETURN)
        if 4 * len(w.words) > layout.TCDM_CODE_BYTES:
            raise ValueError(f"{len(w.words)} words of code do not fit into TCDM")
        return w, blocks

    def pack(self) -> bytes:
        """As the lockstep harness reads it."""
        d = self.disturbance
        parts = [
            MAGIC,
            struct.pack("<QIIIII", self.seed, ENTRY, d.grant, d.stall, d.interrupts, d.phase),
            struct.pack(f"<{layout.HARTS}I", *(layout.tohost(h) for h in range(layout.HARTS))),
            struct.pack("<I", len(self.segments)),
        ]
        for base, data in self.segments:
            parts += [struct.pack("<II", base, len(data)), data]
        return b"".join(parts)


def _bytes(words: list[int]) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


_BOOT_WORDS = 4


def _boot(w: Writer) -> None:
    """All harts start here; hart 1 goes on at its own code."""
    w.emit("csrrs", rd=1, imm=MHARTID)
    w.emit("beq", rs1=1, imm=8)
    w.emit("jal", imm=layout.main_code(1) + 4 * _BOOT_WORDS - w.pc)
    while w.place < _BOOT_WORDS:
        w.emit("addi")


def _prologue(w: Writer) -> None:
    """Handlers, and a value for every register: the register file may hold anything."""
    place = w.place
    w.raw(0)
    direct, vectored = write_handlers(w)
    w.patch(place, "jal", imm=4 * (w.place - place))
    for register in range(1, 32):
        w.immediate(register, w.value())
    pointers = {
        layout.DATA: layout.tcdm_area(w.hart) + layout.AREA_BYTES // 2,
        layout.MAIN: layout.main_area(w.hart) + layout.AREA_BYTES // 2,
        layout.EVENTS: layout.EVENT_BASE,
        layout.SHARED: layout.TCDM_SHARED,
        layout.SHARED_MAIN: layout.MAIN_SHARED,
        layout.BAD: layout.UNMAPPED,
    }
    for register, value in pointers.items():
        w.immediate(register, value)
    w.immediate(1, w.rng.choice((direct, vectored | 1)))
    w.emit("csrrw", rs1=1, imm=MTVEC)
    w.immediate(1, ALL_INTERRUPTS)
    w.emit("csrrw", rs1=1, imm=MIE)
    w.emit("csrrsi", zimm=STATUS_MIE, imm=MSTATUS)


def _epilogue(w: Writer) -> None:
    """Say that this hart is done, and stay."""
    w.emit("csrrwi", zimm=0, imm=MIE)
    w.immediate(layout.WALK, layout.tohost(w.hart))
    w.emit("addi", rd=layout.COUNT, imm=1)
    w.emit("fence")
    w.emit("sw", rs1=layout.WALK, rs2=layout.COUNT, imm=0)
    w.emit("jal", imm=0)
