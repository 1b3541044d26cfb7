"""Programs on the whole cluster, every instruction compared with the simulator core."""

import re
import subprocess

import pytest

import heed.simulator.simulator
from heed.cli import main as cli
from heed.doctor import build_folder
from heed.errors import HeedError
from heed.exec import execute
from heed.run import compare, run_network
from heed.simulator import Simulator, read_elf
from heed.simulator.library import iss_library
from heed.simulator.result import Divergence
from heed.toolchain import compile
from heed.toolchain.compiler import FIRMWARE, FLAGS, run_compiler
from heed.zoo.digits_vit import load_graph, load_images, quantise_input
from hw.core.core import Core
from hw.presets import TINY
from sw_model import reference
from sw_model.isa.table import TABLE
from sw_model.iss.build import SOURCES as ISS
from verif.conformance import programs
from verif.lib.planted import plant

TESTS = FIRMWARE / "tests"
CONFORMANCE = {program.name: program for program in programs(TINY.core)}


def ignore(_):
    pass


@pytest.fixture(scope="module")
def simulator():
    return Simulator.build(TINY, tracing=True)


@pytest.fixture
def run(simulator):
    """Return a function that runs a program in lockstep; each run compares something."""

    def lockstep(elf, **options):
        result = simulator.run(elf, lockstep=True, **options)
        assert result.compared > 10
        return result

    return lockstep


def firmware(name, **defines):
    return compile([TESTS / f"{name}.c"], config=TINY, defines=defines)


@pytest.mark.parametrize(
    "name, defines, status, least",
    [
        ("barrier", {}, 0, 3000),
        ("engine", {"REPEATS": 2}, 0, 50_000),
        ("exit_code", {"CODE": 3}, 3, 20),
        ("faults", {}, 0, 3000),
        ("mailbox", {}, 0, 100),
        ("tohost", {"SECTION": '".data"', "ENDER": 0, "CODE": 7}, 3, 20),
        ("tohost", {"SECTION": '".tcdm_data"', "ENDER": 0, "CODE": 7}, 3, 20),
    ],
)
@pytest.mark.parametrize("harts", (1, 2))
def test_firmware(run, name, defines, status, least, harts):
    result = run(firmware(name, **defines), harts=harts)
    assert (result.status, result.exited) == (status, True)
    assert result.compared >= least


def test_interrupts(run):
    result = run(firmware("interrupts"), harts=2)
    assert result.console == b"software 1, timer 1, event 1\n"


def test_hello(run):
    result = run(compile([FIRMWARE / "apps" / "hello.c"], config=TINY), harts=2)
    assert result.console.count(b"hello from hart") == 2


def test_code_in_tcdm(run, tmp_path):
    sources = [str(TESTS / "in_tcdm.S"), "-T", str(TESTS / "in_tcdm.ld")]
    run_compiler([*FLAGS, *sources, "-o", "in_tcdm.elf"], tmp_path, "in_tcdm.S")
    assert run(tmp_path / "in_tcdm.elf", max_cycles=10_000).exited


@pytest.mark.parametrize(
    "name, defines", [("busy", {"WORK": 0}), ("busy", {"WORK": 1}), ("sleep", {}), ("spin", {})]
)
def test_programs_without_an_end(run, name, defines):
    """The comparison ends with the cycles."""
    result = run(firmware(name, **defines), harts=2, max_cycles=3000)
    assert (result.status, result.exited) == (124, False)


@pytest.mark.parametrize("name", CONFORMANCE)
def test_conformance(run, tmp_path, name):
    path = tmp_path / "program.elf"
    path.write_bytes(CONFORMANCE[name].elf_bytes())
    assert run(path).status == 0


HAMMER = """
#include "heed/hart.h"

static volatile uint32_t near[4] __attribute__((section(".tcdm_bss")));
static volatile uint32_t far[4];

int main(void)
{
    uint32_t hart = heed_hart_id(), rounds = 0;

    for (;;) {
        near[hart] = ++rounds;
        far[hart] = rounds;
        __asm__ volatile("amoadd.w zero, %0, (%1)" ::"r"(rounds), "r"(&near[2]) : "memory");
        __asm__ volatile("amoadd.w zero, %0, (%1)" ::"r"(rounds), "r"(&far[2]) : "memory");
    }
}
"""


@pytest.mark.parametrize("cycles", range(2000, 2012))
def test_a_run_ends_amid_accesses(run, tmp_path, cycles):
    """Memories are those of the last cycle, whatever is on its way then."""
    source = tmp_path / "hammer.c"
    source.write_text(HAMMER)
    assert run(compile([source], config=TINY), harts=2, max_cycles=cycles).status == 124


TRAPS = {
    "load": "li t0, 0x30000000\nlw t1, 4(t0)",
    "jump": "li t0, 0x30000000\njr t0",
    "interrupt": "li t0, 0x10100000\nli t1, 8\ncsrw mie, t1\nli t2, 1\nsw t2, 0(t0)\n"
    "csrsi mstatus, 8\n1: j 1b",
}


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_that_nothing_handles(run, tmp_path, name):
    (tmp_path / "p.S").write_text(
        f".option arch, +zicsr\n.globl _start\n_start:\n{'nop;' * 20}\n{TRAPS[name]}\n"
    )
    words = [*FLAGS, "p.S", "-T", str(TESTS / "in_tcdm.ld"), "-o", "p.elf"]
    run_compiler(words, tmp_path, "p.S")
    result = run(tmp_path / "p.elf", max_cycles=3000)
    assert result.status == 125 and result.trap.interrupt == (name == "interrupt")


class _Lockstep:
    """A simulator that always compares."""

    def __init__(self, simulator):
        self._run = simulator.run
        self.compared = 0

    def run(self, *arguments, **options):
        result = self._run(*arguments, lockstep=True, **options)
        self.compared += result.compared
        return result


def test_a_network(simulator):
    """Engine jobs, kernels on all harts and the barrier."""
    graph = load_graph()
    image = {graph.inputs[0]: quantise_input(load_images()[0][0])}
    lockstep = _Lockstep(simulator)
    found = run_network(graph, [image], TINY, simulator=lockstep)
    assert compare(found.images[0], reference.run(graph, image)) is None
    assert lockstep.compared > 100_000


def test_the_command_line_counts(capfd):
    assert cli.main(["exec", str(firmware("exit_code", CODE=3)), "--lockstep"]) == 3
    assert re.search(r"^\d+ instructions compared$", capfd.readouterr().err, re.MULTILINE)


def test_with_a_trace(tmp_path):
    """Both see the same instructions."""
    file = tmp_path / "trace"
    result = execute(firmware("exit_code", CODE=0), config=TINY, lockstep=True, trace=file)
    lines = file.read_text().splitlines()[1:]
    assert 0 <= result.compared - len(lines) < 4


def test_the_simulator_core_has_nothing_to_be_compared_with(capfd):
    words = ["exec", "p.elf", "--target", "iss", "--lockstep"]
    assert cli.main(words) == 2
    assert capfd.readouterr().err == "heed: --lockstep needs --target rtl, but the target is iss\n"
    with pytest.raises(HeedError, match="lockstep needs target rtl, but target is iss"):
        execute("p.elf", config=TINY, target="iss", lockstep=True)


ALTERED = """
#include <dlfcn.h>
#include "lockstep_api.h"

// The library, but it is told something wrong of the instruction at {address:#x}.
static const heed_lockstep_functions *real() {{
    void *library = dlopen("{library}", RTLD_NOW);
    return (const heed_lockstep_functions *)dlsym(library, HEED_LOCKSTEP_SYMBOL);
}}
static void add(void *lockstep, uint32_t hart, const heed_retire *record) {{
    heed_retire wrong = *record;
    if (record->pc == {address:#x}) wrong.{member} ^= 4;
    real()->add(lockstep, hart, &wrong);
}}
static heed_lockstep_functions altered() {{
    heed_lockstep_functions functions = *real();
    functions.add = add;
    return functions;
}}
extern "C" {{ extern const heed_lockstep_functions heed_lockstep; }}
const heed_lockstep_functions heed_lockstep = altered();
"""


@pytest.mark.parametrize("member", ["rd_wdata", "next_pc"])
def test_a_difference_ends_the_run(tmp_path, monkeypatch, capfd, member):
    """The report names it and shows both instructions; the exit status is 1."""
    elf = firmware("spin")
    address = read_elf(elf, TINY).entry + 4
    source = ALTERED.format(library=iss_library(ignore), member=member, address=address)
    (tmp_path / "altered.cpp").write_text(source)
    command = ["g++", "-shared", "-fPIC", f"-I{ISS}", "altered.cpp", "-o", "altered.so"]
    subprocess.run(command, cwd=tmp_path, check=True)
    library = tmp_path / "altered.so"
    monkeypatch.setattr(heed.simulator.simulator, "iss_library", lambda progress: library)
    assert cli.main(["exec", str(elf), "--lockstep", "--max-cycles", "1000000000"]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert re.fullmatch(
        rf"heed: hart 0: {member} is [0-9a-f]{{8}}, but must be [0-9a-f]{{8}}", lines[-5]
    )
    assert lines[-4] == "last records of hart 0:"
    for text, who, place in zip(lines[-3:], ("rtl", "rtl", "iss"), (-4, 0, 0), strict=True):
        assert re.match(rf"  {who} {address + place:08x} [0-9a-f]{{8}} [a-z]+ ", text)


ACCUMULATE = """
int main(void)
{
    __asm__ volatile("li a0, 5\\n li a1, 3\\n addi a2, a0, 1\\n .word %0"
                     ::"i"(WORD) : "a0", "a1", "a2");
    return 0;
}
"""


@pytest.mark.slow
def test_a_planted_bug(tmp_path, monkeypatch):
    """Firmware on a core whose third operand misses the result right before it."""
    right = "operand.eq(Mux(forwarded, registers.rd_data, value))"
    wrong = "value if source is rd else Mux(forwarded, registers.rd_data, value)"
    plant(monkeypatch, Core, "elaborate", right, f"operand.eq({wrong})")
    iss_library(ignore)
    (tmp_path / "iss").symlink_to(build_folder().absolute() / "iss")
    (mac,) = (row for row in TABLE if row.name == "cv.mac")
    word = mac.match | 12 << 7 | 10 << 15 | 11 << 20
    (tmp_path / "accumulate.c").write_text(ACCUMULATE)
    elf = compile([tmp_path / "accumulate.c"], config=TINY, defines={"WORD": f"{word:#x}"})
    monkeypatch.setenv("HEED_BUILD", str(tmp_path))
    broken = Simulator.build(TINY, tracing=True)
    assert broken.run(elf).exited
    with pytest.raises(Divergence) as caught:
        broken.run(elf, lockstep=True)
    message = str(caught.value)
    assert message.startswith("hart 0: rd_wdata is ") and "must be 00000015\n" in message
    assert message.count("cv.mac a2, a0, a1") == 2
