"""Runs inside the simulator: the rounds of a campaign, and what they covered."""

import json
import os
from pathlib import Path

import cocotb

from verif.lib.configs import find_config
from verif.lib.engine_bench import EngineBench
from verif.lib.engine_coverage import Coverage
from verif.lib.engine_rounds import random_rounds

CONFIG = find_config(os.environ["CONFIG"])
JOBS = int(os.environ["JOBS"])
SEED = int(os.environ["SEED"])
ONLY = os.environ.get("ONLY")
REPORT = Path(os.environ["REPORT"])


@cocotb.test(timeout_time=100, timeout_unit="sec")
async def campaign(dut):
    """Every round in its order, or only one of them."""
    bench, coverage = EngineBench(dut, CONFIG, "top"), Coverage(CONFIG)
    await bench.start()
    told = {"round": -1, "rounds": 0, "jobs": 0, "done": 0, "cleared": 0, "cycles": 0}
    for play in random_rounds(CONFIG, SEED, JOBS):
        if ONLY and play.number != int(ONLY):
            continue
        told["round"] = play.number
        REPORT.write_text(json.dumps(told))
        done = await bench.play(play)
        coverage.add(play.jobs[:done])
        told["done"] += done
        told["rounds"] += 1
        told["jobs"] += len(play.jobs)
        told["cleared"] += play.clear_after is not None
        told["cycles"] = int(dut.cycle.value)
    REPORT.write_text(json.dumps({**told, "round": None, "coverage": coverage.counts}))
