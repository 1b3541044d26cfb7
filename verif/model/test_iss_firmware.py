"""Compiled programs on the simulator: the runtime, its tests, the engine."""

import numpy as np
import pytest

from heed.doctor import build_folder
from heed.run import compare, run_network
from heed.simulator.elf import read_elf
from heed.simulator.iss import IssSimulator
from heed.toolchain.compiler import FIRMWARE, compile
from heed.zoo.digits_vit import load_graph, load_images, quantise_input
from hw.config import MAIN_BASE
from hw.presets import PAPER, TINY
from sw_model import reference
from sw_model.iss import Iss, IssError, Outcome, speed

TESTS = FIRMWARE / "tests"


def run(sources, config=TINY, harts=1, max_cycles=5_000_000, **options) -> tuple[Outcome, str]:
    program = read_elf(compile(sources, config=config, **options), config)
    iss = Iss(config, build_folder() / "iss", dma=False)
    for address, data in program.segments:
        iss.write(address, data)
    printed = bytearray()
    outcome = iss.run(
        program.entry,
        harts=harts,
        tohost=program.tohost,
        max_cycles=max_cycles,
        console=printed.extend,
    )
    return outcome, printed.decode()


@pytest.mark.parametrize("code, status", ((0, 0), (3, 3), (300, 255)))
def test_exit_code(code, status):
    outcome, _ = run([TESTS / "exit_code.c"], defines={"CODE": code})
    assert (outcome.status, outcome.exited) == (status, True)


def test_faults():
    """The same lines as the gateware prints (verif/system/test_runtime.py has them too)."""
    outcome, printed = run([TESTS / "faults.c"])
    assert outcome.status == 0
    lines = printed.splitlines()
    assert len(lines) == 13
    assert lines[0] == "load 00000000: mcause 5 mtval 00000000"
    assert lines[3] == "load 10102000: mcause 5 mtval 10102000"
    assert lines[8] == "store 1010018c: mcause 7 mtval 1010018c"
    assert lines[9] == "byte 10104000: mcause 7 mtval 10104000"
    assert lines[11] == "jump 10100000: mcause 1 mtval 10100000"
    assert lines[12] == "good 10000000: mcause 0 mtval 00000000"


@pytest.mark.parametrize("config, harts", ((TINY, 1), (TINY, 2), (PAPER, 9)))
def test_barrier(config, harts):
    outcome, printed = run([TESTS / "barrier.c"], config, harts)
    assert outcome.status == 0
    assert printed.startswith(f"{harts} harts, ")


def test_interrupts():
    outcome, printed = run([TESTS / "interrupts.c"], harts=2)
    assert outcome.status == 0
    assert printed == "software 1, timer 1, event 1\n"


@pytest.mark.parametrize("config", (TINY, PAPER))
def test_engine(config):
    """A job's sums are right, and its end comes about when the engine's timing says."""
    outcome, printed = run([TESTS / "engine.c"], config, defines={"REPEATS": 3})
    assert outcome.status == 0, printed
    assert printed.startswith("3 jobs, the last in ")
    said = int(printed.split()[-2])
    first, second, third = (cycle for cycle, _ in outcome.mailbox)
    assert said < second - first < said + 300
    assert said < third - second < said + 300
    macs = 64 * 64 * 64
    assert macs / config.engine.macs < said < 3 * macs / config.engine.macs + 500


FAULTY = """
#include "heed/console.h"
#include "heed/engine.h"
#include "heed/host.h"

static volatile struct heed_status_word status[2]
    __attribute__((section(".tcdm_bss"), aligned(8)));
static struct heed_descriptor job[2] __attribute__((section(".tcdm_bss"), aligned(64)));

#define READ(name) heed_read(HEED_ENGINE_BASE + HEED_ENGINE_##name)

int main(void)
{
    job[0].word0 = 15 << HEED_DESCRIPTOR_KIND_SHIFT |
                   HEED_DESCRIPTOR_VERSION << HEED_DESCRIPTOR_VERSION_SHIFT;
    job[0].status = (uint32_t)&status[0];
    job[0].event_mask = 1;
    job[1] = job[0];
    job[1].status = (uint32_t)&status[1];
    uint32_t code = heed_engine_run((uint32_t)&job[0], &status[0], 1);
    heed_printf("%u %u %x %u\\n", code, READ(ERROR), READ(STATE), READ(JOBS));
    heed_printf("%u\\n", READ(ERROR_ADDRESS) == (uint32_t)&job[0]);
    heed_engine_start((uint32_t)&job[1]); /* waits */
    heed_printf("%x\\n", READ(STATE));
    for (int i = 0; i < 20; i++)
        heed_engine_start((uint32_t)&job[1]);
    heed_printf("%x\\n", READ(STATE) & 6);
    heed_event_clear(HEED_EVENT_ENGINE);
    heed_engine_clear();
    while (READ(STATE) & HEED_ENGINE_STATE_BUSY_MASK)
        ;
    heed_printf("%u %u %x %u\\n", status[1].code, READ(ERROR), READ(STATE), READ(JOBS));
    heed_printf("%u\\n", heed_event_pending());
    heed_event_clear(HEED_EVENT_ENGINE);
    heed_engine_start((uint32_t)&job[0] + 8);
    heed_event_wait(HEED_EVENT_ENGINE);
    heed_printf("%u\\n", READ(ERROR));
    return 0;
}
"""


def test_engine_errors(tmp_path):
    """A fault halts the engine, doorbells wait and overflow, a clear aborts them."""
    source = tmp_path / "faulty.c"
    source.write_text(FAULTY)
    outcome, printed = run([source])
    depth = TINY.engine.queue_depth
    assert outcome.status == 0, printed
    assert printed.splitlines() == [
        f"19 19 {depth << 8 | 2:x} 1",
        "1",
        f"{depth - 1 << 8 | 3:x}",
        "6",
        f"2 0 {depth << 8:x} {1 + depth}",
        "1",
        "16",
    ]


def test_a_chain_without_an_end(tmp_path):
    source = tmp_path / "endless.c"
    text = (TESTS / "engine.c").read_text()
    source.write_text(text.replace("job.heads = 1;", "job.heads = 1; job.next = (uint32_t)&job;"))
    with pytest.raises(IssError, match="more than 4096 descriptors"):
        run([source])


def test_cycles_are_those_of_a_run_again():
    """Timing does not depend on what lay in memory before."""
    config = TINY
    program = read_elf(compile([TESTS / "engine.c"], config=config), config)
    found = []
    for _ in range(2):
        iss = Iss(config, build_folder() / "iss")
        for address, data in program.segments:
            iss.write(address, data)
        outcome = iss.run(program.entry)
        found.append((outcome.cycles, outcome.instructions, outcome.mailbox))
    assert found[0] == found[1]


class _Simulator(IssSimulator):
    def run(self, *arguments, waves=None, **options):
        return super().run(*arguments, **options)


@pytest.mark.parametrize("config", (TINY, PAPER))
def test_a_network(config):
    """Engine jobs, kernels on all harts and the barrier: every tensor is the reference's."""
    graph = load_graph()
    image = {graph.inputs[0]: quantise_input(load_images()[0][0])}
    run = run_network(graph, [image], config, simulator=_Simulator(config))
    assert compare(run.images[0], reference.run(graph, image)) is None
    assert all(layer.cycles > 0 for layer in run.images[0].layers)


def test_speed_program():
    """What `sw_model.iss.speed` measures is the product of two matrices."""
    rng = np.random.default_rng(0)
    x, w = rng.integers(-128, 128, (2, speed.SIZE, speed.SIZE)).astype(np.int8)
    iss = Iss(PAPER, build_folder() / "iss")
    iss.write(speed.X, x.tobytes())
    iss.write(speed.W, w.tobytes())
    iss.write(MAIN_BASE, b"".join(word.to_bytes(4, "little") for word in speed.kernel()))
    outcome = iss.run(MAIN_BASE, max_cycles=1_000_000)
    found = np.frombuffer(iss.read(speed.Y, 4 * speed.SIZE**2), np.int32).reshape(x.shape)
    assert (found == x.astype(np.int32) @ w.T.astype(np.int32)).all()
    print(f"\n{sum(outcome.instructions) / outcome.seconds / 1e6:.0f} MIPS")
