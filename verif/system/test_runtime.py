"""The firmware's runtime on the RTL: start, end, console, traps, events, memory."""

import pytest

from heed.simulator import Simulator
from heed.toolchain import compile
from hw.presets import TINY

INCLUDES = "".join(
    f'#include "heed/{name}.h"\n' for name in ("console", "engine", "events", "hart", "host")
)


@pytest.fixture(scope="module")
def simulator():
    return Simulator.build(TINY)


@pytest.fixture
def run(simulator, tmp_path):
    def run_program(text, harts=2, **options):
        source = tmp_path / "program.c"
        source.write_text(INCLUDES + text)
        elf = compile([source], config=TINY, **options)
        return simulator.run(elf, harts=harts, max_cycles=200_000)

    return run_program


@pytest.mark.parametrize("value, status", [(0, 0), (1, 1), (77, 77), (255, 255), (1000, 255)])
def test_value_of_main(run, value, status):
    result = run(f"int main(void) {{ return {value}; }}", harts=1)
    assert (result.status, result.exited) == (status, True)


def test_any_hart_can_fail(run):
    assert run("int main(void) { return heed_hart_id() == 1 ? 9 : 0; }").status == 9


def test_the_last_hart_ends_the_run(run):
    """Hart 0 returns at once; the run still waits for hart 1."""
    text = """
    int main(void)
    {
        if (heed_hart_id() == 1)
            for (uint32_t start = heed_cycles(); heed_cycles() - start < 5000;)
                ;
        heed_printf("%u", heed_hart_id());
        return 0;
    }
    """
    result = run(text)
    assert result.status == 0
    assert result.console == b"01"
    assert result.cycles > 5000


def test_printf_numbers(run):
    text = r"""
    int main(void)
    {
        heed_printf("%d %d %d|", 0, -2147483647 - 1, 42);
        heed_printf("%u %x %08x %4u|", 4294967295u, 0xbeefu, 0x12abu, 7u);
        return 0;
    }
    """
    result = run(text, harts=1)
    assert result.console == b"0 -2147483648 42|4294967295 beef 000012ab    7|"


def test_printf_text(run):
    text = r"""
    int main(void)
    {
        heed_printf("%s %5s %c %% %05d\n", "word", "abc", 'x', -42);
        heed_puts("end");
        return 0;
    }
    """
    assert run(text, harts=1).console == b"word   abc x % -0042\nend"


def test_a_trap_is_reported(run):
    text = "int main(void) { return *(volatile int *)0x40000000; }"
    result = run(text, harts=1)
    assert result.status == 200
    assert result.console.startswith(b"hart 0: trap, mcause 0x5, mepc 0x8000")
    assert result.console.endswith(b", mtval 0x40000000\n")


def test_a_trap_with_a_broken_stack_is_reported(run):
    text = """
    int main(void)
    {
        __asm__ volatile("li sp, 0x30000000\\n sw zero, 0(sp)");
        return 0;
    }
    """
    result = run(text, harts=1, stack_bytes=1024)
    assert result.status == 200
    assert b"mcause 0x7" in result.console and b"mtval 0x30000000" in result.console


def test_own_trap_handler(run):
    text = """
    void heed_trap(uint32_t cause, uint32_t pc, uint32_t value)
    {
        (void)pc, (void)value;
        heed_exit(cause == 11 ? 33 : 34);
    }
    int main(void) { __asm__ volatile("ecall"); return 0; }
    """
    assert run(text, harts=1).status == 33


def test_memory_at_the_start(run):
    """bss is cleared, data and TCDM data are loaded, before any hart's main."""
    text = """
    static volatile uint32_t cleared[50], loaded[2] = {5, 6};
    static volatile uint32_t near[3] __attribute__((section(".tcdm"))) = {7, 8, 9};
    static volatile uint32_t blank[70] __attribute__((section(".tcdm_bss")));
    int main(void)
    {
        for (int i = 0; i < 50; i++)
            if (cleared[i])
                return 1;
        for (int i = 0; i < 70; i++)
            if (blank[i])
                return 2;
        return !(loaded[0] == 5 && loaded[1] == 6 && near[0] + near[1] + near[2] == 24);
    }
    """
    for options in ({}, {"stack_bytes": 1024}):
        assert run(text, **options).status == 0


def test_stacks_do_not_meet(run):
    text = """
    static int deep(volatile int *above, int level)
    {
        volatile int here[16];
        for (int i = 0; i < 16; i++)
            here[i] = (int)heed_hart_id() * 1000 + level;
        int below = level ? deep(here, level - 1) : 0;
        for (int i = 0; i < 16; i++)
            if (here[i] != (int)heed_hart_id() * 1000 + level)
                return 1;
        return below + (above == 0);
    }
    int main(void) { heed_barrier(); return deep((volatile int *)1, 5); }
    """
    assert run(text, stack_bytes=1024).status == 0


def test_events_wake_a_hart(run):
    """Hart 0 sleeps until hart 1 sets its software event; nothing is lost if that came first."""
    text = """
    static volatile uint32_t word;
    int main(void)
    {
        for (uint32_t turn = 1; turn < 20; turn++) {
            if (heed_hart_id() == 0) {
                heed_event_enable(HEED_EVENT_SOFTWARE);
                if (heed_event_wait(HEED_EVENT_SOFTWARE) != HEED_EVENT_SOFTWARE || word != turn)
                    return (int)turn;
            } else {
                for (volatile uint32_t i = 0; i < 3 * turn; i++)
                    ;
                word = turn;
                heed_fence();
                heed_event_set(1);
            }
            heed_barrier();
        }
        return 0;
    }
    """
    assert run(text).status == 0


def test_timer_and_software_interrupt_end_a_sleep(run):
    text = """
    int main(void)
    {
        uint64_t begin = heed_time();
        heed_timer(begin + 3000);
        HEED_CSR_SET(mie, HEED_MIE_TIMER);
        heed_wfi();
        uint64_t slept = heed_time() - begin;
        if (slept < 3000 || slept > 3200)
            return 1;
        HEED_CSR_CLEAR(mie, HEED_MIE_TIMER);
        HEED_CSR_SET(mie, HEED_MIE_SOFTWARE);
        heed_software_interrupt(heed_hart_id(), 1);
        heed_wfi();
        heed_software_interrupt(heed_hart_id(), 0);
        return heed_cycles64() < begin;
    }
    """
    assert run(text).status == 0


@pytest.mark.parametrize("address", [0x1000_0000, 0x1000_0008, 0x8000_0000])
def test_engine_faults_are_returned(run, address):
    """A descriptor without a version, and addresses where none can lie: a code, no hang."""
    text = f"""
    struct heed_descriptor none __attribute__((section(".tcdm"), aligned(64))) = {{
        .event_mask = 1,
    }};
    struct heed_status_word status __attribute__((section(".tcdm"), aligned(8)));
    int main(void)
    {{
        if (heed_engine_run({address}u, &status, 1) != {18 if address == 0x1000_0000 else 16})
            return 1;
        heed_engine_clear();
        return heed_engine_run(0x10000000u, &status, 1) != 18;
    }}
    """
    assert run(text, harts=1).status == 0
