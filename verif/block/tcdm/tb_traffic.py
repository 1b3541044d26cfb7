"""Random traffic of all masters on a FlatTcdm, one test a pattern; counters that all share.

Parameters come from the environment: BANKS, BANK_BYTES, MASTERS, HARTS, CYCLES.
"""

import os
import random

import cocotb

from hw.config import TcdmConfig
from hw.tcdm.bus import TcdmOp
from sw_model.tcdm import TcdmImage
from verif.lib.backdoor import Backdoor
from verif.lib.tcdm_driver import PERIOD_NS, TcdmDriver, start
from verif.lib.tcdm_scoreboard import Scoreboard
from verif.lib.tcdm_traffic import PATTERNS, Masters, Programs, adding, conditionally_adding

CONFIG = TcdmConfig(banks=int(os.environ["BANKS"]), bank_bytes=int(os.environ["BANK_BYTES"]))
MASTERS = int(os.environ["MASTERS"])
HARTS = int(os.environ["HARTS"])
CYCLES = int(os.environ["CYCLES"])
IMAGE = TcdmImage(CONFIG)  # one memory, all tests: they run one after the other


@cocotb.test(timeout_time=(CYCLES + 100) * PERIOD_NS, timeout_unit="ns")
@cocotb.parametrize(pattern=list(PATTERNS))
async def traffic(dut, pattern):
    """Every cycle of the traffic keeps the rules, and memory holds what was stored."""
    verilator = cocotb.SIM_NAME == "Verilator"
    await start(dut)
    if verilator and pattern == "mixed":
        IMAGE.bytes[:] = random.randbytes(CONFIG.bytes)
        Backdoor(CONFIG, f"{dut._name}.tcdm").load(bytes(IMAGE.bytes))
    scoreboard = Scoreboard(CONFIG, MASTERS, IMAGE, harts=HARTS)
    seeds = [random.getrandbits(32) for _ in range(MASTERS)]
    masters = Masters([PATTERNS[pattern](CONFIG, random.Random(seed)) for seed in seeds])
    await TcdmDriver(dut, CONFIG, masters, scoreboard).run(CYCLES)

    served = sum(scoreboard.granted)
    dut._log.info(
        f"{pattern}: {served} requests in {scoreboard.cycles} cycles,"
        f" {served / scoreboard.cycles:.2f} a cycle, longest wait {scoreboard.longest_wait}"
    )
    if pattern == "hot_bank":  # the fullest load there is: strict turns, no cycle lost
        assert max(scoreboard.granted) - min(scoreboard.granted) <= 2
        assert served == scoreboard.cycles - 1
        assert scoreboard.longest_wait == MASTERS - 1
    if pattern in ("hot_words", "atomics"):
        assert all(scoreboard.served[op.name] for op in TcdmOp)
    if pattern == "atomics":
        assert scoreboard.served["succeeded"] > 5 and scoreboard.served["failed"] > 5
    if verilator:
        assert Backdoor(CONFIG, f"{dut._name}.tcdm").dump() == bytes(IMAGE.bytes)


@cocotb.test(timeout_time=100 * CYCLES * PERIOD_NS, timeout_unit="ns")
@cocotb.parametrize(conditionally=[False, True])
async def counters(dut, conditionally):
    """Everybody adds to a word: all to its lower half, or harts there with LR and SC, others above.

    Every number is added once, and there is an end.
    """
    await start(dut)
    addr, rounds = CONFIG.bytes // 2, CYCLES // 50
    programs, sums = [], [0, 0]
    for master in range(MASTERS):
        numbers = [random.getrandbits(32) for _ in range(rounds)]
        upper = conditionally and master >= HARTS
        sums[upper] += sum(numbers)
        strobe = 0xF0 if upper else 0x0F
        if conditionally and not upper:
            rng = random.Random(random.getrandbits(32))
            programs.append(conditionally_adding(addr, strobe, numbers, rng))
        else:
            programs.append(adding(addr, strobe, numbers))
    before = IMAGE.load(addr)
    scoreboard = Scoreboard(CONFIG, MASTERS, IMAGE, harts=HARTS)
    masters = Programs(programs)
    await TcdmDriver(dut, CONFIG, masters, scoreboard).run(90 * CYCLES)
    assert masters.done

    lower = before + sums[0] & (1 << 32) - 1
    higher = (before >> 32) + sums[1] & (1 << 32) - 1
    assert IMAGE.load(addr) == higher << 32 | lower
    assert scoreboard.served["succeeded"] == (HARTS * rounds if conditionally else 0)
    dut._log.info(f"{scoreboard.cycles} cycles, {dict(scoreboard.served)}")
    if cocotb.SIM_NAME == "Verilator":
        assert Backdoor(CONFIG, f"{dut._name}.tcdm").dump() == bytes(IMAGE.bytes)
