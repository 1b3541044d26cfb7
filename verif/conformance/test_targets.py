"""The conformance programs on the RTL and on the instruction-set simulator."""

import pytest

from heed.simulator import Simulator, read_elf
from heed.simulator.iss import IssSimulator
from heed.targets import TARGETS
from hw.presets import TINY
from verif.conformance import compare, programs

MAX_CYCLES = 1_000_000
PROGRAMS = {program.name: program for program in programs(TINY.core)}


@pytest.fixture(scope="module", params=TARGETS)
def simulator(request):
    return Simulator.build(TINY) if request.param == "rtl" else IssSimulator(TINY)


@pytest.mark.parametrize("name", PROGRAMS)
def test_signature(simulator, name, tmp_path):
    program = PROGRAMS[name]
    path = tmp_path / "program.elf"
    path.write_bytes(program.elf_bytes())
    loaded = read_elf(path, TINY)
    signature = (program.signature, 4 * len(program.expected))
    result = simulator.run(loaded, max_cycles=MAX_CYCLES, dumps=[signature])
    wrong = compare(program, result.dumps[0])
    assert not wrong, f"{len(wrong)} wrong words:\n" + "\n".join(map(str, wrong[:20]))
    assert (result.status, result.exited) == (0, True)
