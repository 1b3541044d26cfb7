"""The core's trace port: the RISC-V Formal Interface, and what Heed adds to it."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

MEMBERS = {
    "valid": 1,
    "order": 64,
    "insn": 32,
    "trap": 1,
    "halt": 1,
    "intr": 1,
    "mode": 2,
    "ixl": 2,
    "rs1_addr": 5,
    "rs2_addr": 5,
    "rs1_rdata": 32,
    "rs2_rdata": 32,
    "rd_addr": 5,
    "rd_wdata": 32,
    "pc_rdata": 32,
    "pc_wdata": 32,
    "mem_addr": 32,
    "mem_rmask": 4,
    "mem_wmask": 4,
    "mem_rdata": 32,
    "mem_wdata": 32,
}
"""Signals `rvfi_*` and their widths."""

EXTRA = {
    "rs3_addr": 5,
    "rs3_rdata": 32,
    "rd2_addr": 5,
    "rd2_wdata": 32,
    "cause": 5,
    "irq": 1,
    "irq_cause": 5,
    "mem_time": 32,
}
"""Signals `heed_rvfi_*` and their widths."""


class RvfiSignature(wiring.Signature):
    """What the core did: at most one instruction a cycle, in program order.

    The members of `MEMBERS` are RVFI's, those of `EXTRA` have the prefix `heed_`:

    - `valid`: an instruction retired, or raised an exception (`trap`); it wrote nothing then.
      `order` counts them from 0.
    - `intr`: the first one of a trap handler, of an exception or an interrupt.
    - `rd_addr` is 0 when no register was written, and `rd_wdata` 0 then. A load with
      post-increment writes its base to `rd2`; stores with post-increment too. A load that names
      its base as destination keeps what it loads: `rd2` is 0.
    - `pc_wdata`: the address of the next instruction: the target of a jump, the start of a
      hardware loop, a trap's handler; an interrupt may still come in between.
    - `mem_addr` is the exact address, the masks and data are relative to it (bit 0 of a mask is
      the byte at `mem_addr`). Loads have a read mask, stores a write mask, AMOs both, with the old
      value in `mem_rdata` and the operand rs2 in `mem_wdata`. LR reads. SC writes when it
      succeeded; when it failed there is no access, but a `heed_mem_time`. Bytes outside the masks
      are 0.
    - `mode` is 3 (machine), `ixl` 1 (32 bits), `halt` 0.
    - `heed_rs3`: the third register read (accumulators, offsets of stores).
    - `heed_cause`: the exception of a `trap`. `heed_irq`, `heed_irq_cause`: that interrupt was
      taken right before this instruction.
    - `heed_mem_time`: the cycle (counted from the start of the core's clock, modulo 2^32) in which
      memory performed the access: accesses of all harts to one address are ordered by it.

    Fields of registers that an instruction does not read are 0, address and data.
    """

    def __init__(self):
        super().__init__(
            {name: Out(width) for name, width in MEMBERS.items()}
            | {f"heed_{name}": Out(width) for name, width in EXTRA.items()}
        )

    def __eq__(self, other):
        return isinstance(other, RvfiSignature)

    def __repr__(self):
        return "RvfiSignature()"
