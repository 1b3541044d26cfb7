"""Runs jobs of the attention engine on a simulator of the engine and a scratchpad alone."""

import json
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heed.errors import HeedError
from heed.simulator.build import Build, Design, Report, build
from hw.config import ClusterConfig
from hw.regmap import ENGINE
from sw_model.tcdm import TcdmImage

TOP = "engine_top"
HARNESS = Path(__file__).with_name("engine_harness.cpp")


@dataclass(frozen=True)
class EngineRun:
    """What a run of a chain of jobs did.

    Attributes
    ----------
    ends
        For each job that ended, the cycles from the doorbell's acceptance to its event.
    image
        The whole scratchpad afterwards.
    registers
        Value of each of the engine's registers that can be read, a list where there are several.
    busy
        A job still ran or waited when the registers were read.
    violation
        A request on a port broke the rules of the bus.
    granted, waits
        By kind of the other masters ("dma", "core"): requests granted during the run, and the
        most cycles that one of them waited for a grant.
    seconds
        Host time that the cycles took.
    """

    ends: list[int]
    image: bytearray
    registers: dict[str, int | list[int]]
    busy: bool
    violation: bool
    granted: dict[str, int]
    waits: dict[str, int]
    seconds: float


class EngineSimulator:
    """The native simulator of an engine, its scratchpad and other masters that disturb it."""

    def __init__(self, config: ClusterConfig, built: Build):
        self.config = config
        self._built = built

    @classmethod
    def build(cls, config: ClusterConfig, progress: Report | None = None) -> "EngineSimulator":
        """Return the simulator of `config`; builds it unless it is in the cache.

        The scratchpad of `config` may be larger than a cluster's.

        Raises
        ------
        HeedError
            A tool is missing or fails.
        """
        report = progress or (lambda _: None)
        design = Design("engine-", TOP, _emit)
        return cls(config, build(config, waves=False, progress=report, design=design))

    def run(
        self,
        image: bytes,
        doorbell: int,
        *,
        jobs: int,
        max_cycles: int,
        grant: float = 1.0,
        traffic: bool = False,
    ) -> EngineRun:
        """Run the chain of descriptors at `doorbell` until `jobs` have ended.

        Parameters
        ----------
        image
            The whole scratchpad.
        doorbell
            Address of the first descriptor.
        jobs
            In the chain; fewer have ended after a fault or after `max_cycles`.
        grant
            Probability with which a request of the engine gets through to the scratchpad in a
            cycle, rounded to 256ths.
        traffic
            Whether the other masters ask.

        Raises
        ------
        HeedError
            The simulator failed.
        """
        from hw.bench.throttle import GRANT_ALWAYS

        reads = list(_readable())
        with tempfile.TemporaryDirectory(prefix="heed-") as name:
            folder = Path(name)
            before, after, result = (folder / part for part in ("before", "after", "result"))
            memory = TcdmImage(self.config.tcdm, image)
            before.write_bytes(memory.to_banks().astype("<u8").tobytes())
            command = [
                str(self._built.binary),
                *("--banks", str(before), str(after), "--result", str(result)),
                *("--doorbell", _request("doorbell", data=doorbell)),
                *("--events", str(jobs), "--max-cycles", str(max_cycles)),
                *("--grant", str(round(grant * GRANT_ALWAYS)), "--traffic", str(int(traffic))),
            ]
            for register, index in reads:
                command += ["--read", _request(register, index)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise HeedError(
                    f"the simulator stopped with {done.returncode}: {done.stderr.strip()}"
                )
            words = np.frombuffer(after.read_bytes(), "<u8")
            outcome = json.loads(result.read_text())
        memory.from_banks(words.reshape(self.config.tcdm.banks, -1))
        return EngineRun(
            ends=outcome["ends"],
            image=memory.bytes,
            registers=_by_name(reads, outcome["registers"]),
            busy=bool(outcome["busy"]),
            violation=bool(outcome["violation"]),
            granted={kind: outcome[f"{kind}_granted"] for kind in ("dma", "core")},
            waits={kind: outcome[f"{kind}_wait"] for kind in ("dma", "core")},
            seconds=outcome["seconds"],
        )


def _readable() -> Iterable[tuple[str, int]]:
    """Name and index of each of the engine's registers that can be read."""
    for register in ENGINE.registers:
        if register.access != "wo":
            yield from ((register.name, index) for index in range(register.count))


def _by_name(reads: list[tuple[str, int]], values: list[int]) -> dict[str, int | list[int]]:
    result = {}
    for (name, _), value in zip(reads, values, strict=True):
        if ENGINE[name].count == 1:
            result[name] = value
        else:
            result.setdefault(name, []).append(value)
    return result


def _request(register: str, index: int = 0, **data: int) -> str:
    """Return the bits of a read of a register, or of a write of `data`, as the harness wants."""
    from hw.common.register_bus import RegisterRequest

    fields = {"addr": ENGINE[register].address(index)}
    if data:
        fields |= {"write": 1, "strobe": 0xF, **data}
    return hex(RegisterRequest().const(fields).as_bits())


def _emit(config: ClusterConfig) -> dict[str, str]:
    """Return the text of every source file that the compiler gets, by name."""
    from hw.bench.engine_top import RESET_CYCLES, EngineTop
    from hw.verilog import to_verilog, verilog_sources

    header = (
        "// Generated by heed/simulator/engine.py.\n"
        "#pragma once\n#include <cstdint>\n"
        f"constexpr int kResetCycles = {RESET_CYCLES};\n"
        f"constexpr uint32_t kBanks = {config.tcdm.banks};\n"
        f"constexpr uint32_t kBankDepth = {config.tcdm.bank_depth};\n"
    )
    return {
        f"{TOP}.v": to_verilog(EngineTop(config=config, traffic=True), name=TOP),
        **{path.name: path.read_text() for path in verilog_sources()},
        HARNESS.name: HARNESS.read_text(),
        "engine_config.h": header,
    }
