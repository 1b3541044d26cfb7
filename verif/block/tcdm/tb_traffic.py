"""Random traffic of all masters on a FlatTcdm, one test a pattern.

Parameters come from the environment: BANKS, BANK_BYTES, MASTERS, CYCLES.
"""

import os
import random

import cocotb

from hw.config import TcdmConfig
from sw_model.tcdm import TcdmImage
from verif.lib.backdoor import Backdoor
from verif.lib.tcdm_driver import PERIOD_NS, TcdmDriver, start
from verif.lib.tcdm_scoreboard import Scoreboard
from verif.lib.tcdm_traffic import PATTERNS, Masters

CONFIG = TcdmConfig(banks=int(os.environ["BANKS"]), bank_bytes=int(os.environ["BANK_BYTES"]))
MASTERS = int(os.environ["MASTERS"])
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
    scoreboard = Scoreboard(CONFIG, MASTERS, IMAGE)
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
    if verilator:
        assert Backdoor(CONFIG, f"{dut._name}.tcdm").dump() == bytes(IMAGE.bytes)
