"""Prints how fast the simulator is: `python -m sw_model.iss.speed [--harts N] [--folder F]`.

The program multiplies int8 matrices of 64 x 64 in the scratchpad, over and over, with packed dot
products and a hardware loop. Every hart that runs does so by itself.
"""

import argparse
import time
from pathlib import Path

from hw.config import MAIN_BASE, TCDM_BASE
from hw.presets import PAPER
from sw_model.isa.decode import encode
from sw_model.isa.table import TABLE
from sw_model.iss.iss import Iss

SIZE = 64
X, W, Y = TCDM_BASE, TCDM_BASE + 0x1000, TCDM_BASE + 0x2000
T0, T1, T2, S0, S1, A0, A1, A2, A3, A4 = 5, 6, 7, 8, 9, 10, 11, 12, 13, 14


def _op(name: str, **operands: int) -> int:
    """Encode the row of that name which has just these operands, or else the first one."""
    rows = [row for row in TABLE if row.name == name]
    same = [row for row in rows if set(row.fields) == set(operands)]
    return encode((same or rows)[0], **operands)


def kernel() -> list[int]:
    """Words of the program; it never ends."""
    repeat = [
        _op("lui", rd=A0, imm_u=X),
        _op("lui", rd=A2, imm_u=Y),
        _op("addi", rd=S0, rs1=0, imm_i=SIZE),
    ]
    row = [_op("lui", rd=A1, imm_u=W), _op("addi", rd=S1, rs1=0, imm_i=SIZE)]
    column = [
        _op("addi", rd=A3, rs1=A0, imm_i=0),
        _op("addi", rd=A4, rs1=0, imm_i=0),
        _op("cv.setupi", loop=0, count=SIZE // 4, near=16),
        _op("cv.lw", rd=T0, rs1=A3, imm_i=4),
        _op("cv.lw", rd=T1, rs1=A1, imm_i=4),
        _op("cv.sdotsp.b", rd=A4, rs1=T0, rs2=T1),
        _op("cv.sw", rs2=A4, rs1=A2, imm_s=4),
        _op("addi", rd=S1, rs1=S1, imm_i=-1),
    ]
    column.append(_op("bne", rs1=S1, rs2=0, imm_b=-4 * len(column)))
    row += column
    row += [_op("addi", rd=A0, rs1=A0, imm_i=SIZE), _op("addi", rd=S0, rs1=S0, imm_i=-1)]
    row.append(_op("bne", rs1=S0, rs2=0, imm_b=-4 * len(row)))
    repeat += row
    return [*repeat, _op("jal", rd=0, imm_j=-4 * len(repeat))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the instruction-set simulator.")
    parser.add_argument("--harts", type=int, default=1, help="how many run, default 1")
    parser.add_argument("--cycles", type=int, default=50_000_000, help="cycles to simulate")
    parser.add_argument("--folder", type=Path, default=Path("build/iss"), help="compiled library")
    arguments = parser.parse_args()
    iss = Iss(PAPER, arguments.folder)
    iss.write(MAIN_BASE, b"".join(word.to_bytes(4, "little") for word in kernel()))
    begin = time.process_time()
    outcome = iss.run(MAIN_BASE, harts=arguments.harts, max_cycles=arguments.cycles)
    used = time.process_time() - begin
    total = sum(outcome.instructions)
    print(
        f"int8 matrix product, {arguments.harts} harts: {total / outcome.seconds / 1e6:.0f} MIPS, "
        f"{total / used / 1e6:.0f} a second of processor time; "
        f"{total} instructions in {outcome.cycles} cycles"
    )


if __name__ == "__main__":
    main()
