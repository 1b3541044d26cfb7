"""The audit of firmware images: the project's have no faults, and planted ones are found."""

import math
from dataclasses import replace

import pytest

from heed.audit import audit, project_images
from heed.audit.page import KERNEL_MARK, MARK, kernel_texts, page, texts
from heed.audit.scratch import scratch_formulas
from heed.errors import HeedError
from heed.toolchain import compile
from heed.toolchain.kernels import KERNELS
from hw.config import CoreConfig
from hw.presets import PAPER, TINY

CORES = {
    "no loops": CoreConfig(xcv_hwlp=False, xcv_alu=False, xcv_bi=False),
    "no vectors": CoreConfig(xcv_simd=False, xcv_mac=False, xheed=False),
    "m": CoreConfig.of("m"),
}
RECIPES = {recipe.name: recipe for recipe in project_images()}


def examine(name, config=TINY):
    recipe = RECIPES[name]
    own = recipe.on(config)
    return audit(recipe.make(own), own, name, recipe.nowhere)


@pytest.fixture
def planted(tmp_path):
    """The audit of a program that a test writes."""

    def make(text, config=TINY, **options):
        source = tmp_path / "program.c"
        source.write_text('#include "heed/console.h"\n#include "heed/events.h"\n' + text)
        return audit(compile([source], config=config, **options), config, "planted")

    return make


@pytest.mark.parametrize("name", RECIPES)
def test_the_project_has_no_faults(name):
    found = examine(name)
    assert found.faults == []
    assert found.sizes.text > 1000 and 100 < found.worst.bytes <= found.given


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", ("kernels", "digits_vit"))
def test_smaller_cores(name, core):
    found = examine(name, replace(TINY, core=CORES[core]))
    assert found.faults == []
    assert set(found.groups) <= set(CORES[core].groups)


@pytest.mark.parametrize("name", ("kernels", "digits_vit"))
def test_the_large_preset(name):
    assert examine(name, PAPER).faults == []


def test_every_kernel_is_examined():
    found = examine("kernels")
    assert found.code.keys() == KERNELS.keys()
    assert found.entries.keys() == {"main", *KERNELS}
    assert {"m", "xcv_simd", "xcv_mem", "xcv_hwlp", "xheed"} <= set(found.groups)
    assert max(found.entries.values()) == found.entries["main"] < found.worst.bytes
    (targets,) = [targets for _, caller, targets in found.indirect if caller == "main"]
    assert set(targets) >= KERNELS.keys()


def test_an_image_of_a_larger_core():
    core = CoreConfig.of("m", "xcv_mem")
    elf = RECIPES["kernels"].make(TINY)
    found = audit(elf, replace(TINY, core=core), "kernels")
    names = {stranger.text.split()[0] for stranger in found.strangers}
    assert {"cv.setup", "cv.sdotsp.b", "cv.sdotusp.b", "heed.rq"} <= names
    assert not names & {"mul", "lw", "cv.lw"}
    assert len(found.faults) == len(found.strangers)


@pytest.mark.parametrize("how", [".insn 4, {}\\n.insn 4, {}", ".word {}, {}"])
def test_a_planted_stranger(planted, how):
    """One of an extension that is missing, one of none at all; as code, and as data in code."""
    text = """
    __attribute__((noinline)) int odd(int value)
    {
        __asm__ volatile("PLANT" ::: "memory");
        return value + 1;
    }
    int main(void) { return odd(-1); }
    """.replace("PLANT", how.format("0x0020a1af", "0xffffffff"))
    core = CoreConfig.of("m")
    found = planted(text, replace(TINY, core=core))
    assert [stranger.text for stranger in found.strangers] == [
        "amoadd.w gp, sp, (ra)",
        ".word 0xffffffff",
    ]
    first, second = found.strangers
    assert first.function == "odd" and second.function == "odd+0x4"
    assert second.address == first.address + 4
    assert f"planted: not of tiny: {first.address:#010x} odd: amoadd.w" in found.faults[0]
    assert [stranger.text for stranger in planted(text).strangers] == [".word 0xffffffff"]


RECURSION = {
    "itself": """
        __attribute__((noinline)) int down(volatile int *p) { return p ? down(p - *p) + *p : 0; }
        int main(void) { return down(0); }
        """,
    "two": """
        int pong(volatile int *p);
        __attribute__((noinline)) int ping(volatile int *p) { return *p ? pong(p + 1) + *p : 0; }
        __attribute__((noinline)) int pong(volatile int *p) { return *p ? ping(p + 1) * *p : 1; }
        int main(void) { static volatile int list[2]; return ping(list); }
        """,
    "a pointer": """
        int step(volatile int *p);
        static int (*volatile next)(volatile int *p) = step;
        __attribute__((noinline)) int step(volatile int *p) { return *p ? next(p + 1) + *p : 0; }
        int main(void) { static volatile int list[2]; return step(list); }
        """,
}


@pytest.mark.parametrize("kind, names", [("itself", 1), ("two", 2), ("a pointer", 1)])
def test_planted_recursion(planted, kind, names):
    found = planted(RECURSION[kind])
    assert found.recursion and len(set(found.recursion[0])) == names
    assert math.isinf(found.worst.bytes) and math.isinf(found.entries["main"])
    assert any("recursion: " in fault and " -> " in fault for fault in found.faults)
    assert found.as_dict()["worst"]["bytes"] is None
    assert "no end" in texts(found)


FRAME = """
__attribute__((noinline)) int wide(int value)
{
    volatile char room[SIZE];
    room[value] = 1;
    return room[SIZE - 1];
}
int main(void) { return wide(3); }
"""


@pytest.mark.parametrize("size", [16, 1000, 2000, 2048, 5000, 15000])
def test_frames_of_all_sizes(planted, size):
    found = planted(FRAME, defines={"SIZE": size})
    assert found.problems == () and found.faults == []
    assert size <= found.entries["main"] <= size + 64


def test_a_planted_large_frame(planted):
    found = planted(FRAME, defines={"SIZE": 17000})
    (fault,) = found.faults
    assert "_start -> heed_start -> main -> wide" in fault and "but a hart has 16384" in fault
    found = planted(FRAME, defines={"SIZE": 1000}, stack_bytes=512)
    assert found.given == 512 and len(found.faults) == 1


def test_a_frame_of_unknown_size(planted):
    found = planted("""
    __attribute__((noinline)) int wide(int size)
    {
        volatile char room[size];
        room[size / 2] = 1;
        return room[size - 1];
    }
    int main(void) { return wide((int)heed_hart_id() + 50); }
    """)
    assert any("moves by an amount that is not known" in fault for fault in found.faults)


def test_an_aligned_frame(planted):
    """The frame begins where the caller's stack pointer happens to be."""
    found = planted("""
    __attribute__((noinline)) int wide(int value)
    {
        volatile char room[64] __attribute__((aligned(256)));
        room[value] = 1;
        return room[63];
    }
    int main(void) { return wide(3); }
    """)
    assert found.faults == []
    assert 240 + 64 <= found.entries["main"] <= 256 + 256 + 128


def test_calls_side_by_side_and_one_below_the_other(planted):
    frame = "{ volatile char room[%d]; room[value] = 1; return room[1] + %s; }"
    found = planted(f"""
    __attribute__((noinline)) int inner(int value) {frame % (400, "0")}
    __attribute__((noinline)) int other(int value) {frame % (600, "value")}
    __attribute__((noinline)) int outer(int value) {frame % (300, "inner(value)")}
    int main(void) {{ return outer(3) + other(4); }}
    """)
    assert 700 <= found.entries["main"] <= 800
    assert found.worst.path == ("_start", "heed_start", "main", "outer", "inner")


def test_a_table_of_jumps(planted):
    """A switch is no call: no function is taken for one of its cases."""
    cases = "".join(f'case {n}: heed_putc({n * n}); heed_puts("{n}"); break;' for n in range(9))
    found = planted(f"""
    __attribute__((noinline)) void choose(volatile int *word) {{ switch (*word) {{ {cases} }} }}
    int main(void) {{ static volatile int word = 3; choose(&word); return 0; }}
    """)
    assert found.indirect == () and found.faults == []


def test_calls_by_pointer(planted):
    """All whose address is taken: in a table, or in code; not a trap handler."""
    found = planted("""
    typedef int function(int);
    __attribute__((noinline)) int small(int value) { return value + 1; }
    __attribute__((noinline)) int large(int value)
    {
        volatile char room[500];
        room[value] = 1;
        return room[1];
    }
    __attribute__((noinline)) int called(int value) { return value * 3; }
    static function *volatile table[2] = {small, small};
    int main(void)
    {
        table[1] = large;
        return table[heed_hart_id() & 1](2) + called(5);
    }
    """)
    ((_, caller, targets),) = found.indirect
    assert caller == "main" and set(targets) == {"small", "large"}
    assert 500 <= found.entries["main"] <= 600 and found.faults == []


def test_a_table_of_constants_is_all_that_a_pointer_from_it_can_be(planted):
    """So a function that others call by pointer may have a table of its own parts."""
    found = planted("""
    typedef int function(int);
    __attribute__((noinline)) static int one(int value) { return value + 1; }
    __attribute__((noinline)) static int two(int value) { return value * 5; }
    __attribute__((noinline)) int outer(int value)
    {
        static function *const parts[2] = {one, two};
        return parts[heed_hart_id() & 1](value) + 1;
    }
    static function *volatile chosen = outer;
    int main(void) { return chosen(3); }
    """)
    calls = {caller: set(targets) for _, caller, targets in found.indirect}
    assert calls == {"outer": {"one", "two"}, "main": {"outer", "one", "two"}}
    assert found.recursion == () and found.faults == []


def test_an_interrupt_handler_comes_on_top(planted):
    handler = """
    static volatile char sink;
    __attribute__((interrupt("machine"), aligned(4))) static void handler(void)
    {
        volatile char room[300];
        room[sink & 255] = 1;
        sink = room[7];
    }
    """
    main = "int main(void) { HEED_CSR_WRITE(mtvec, handler); return 0; }"
    found = planted(handler + main)
    assert found.worst.path[-1] == "handler" and found.worst.bytes >= found.entries["main"] + 300
    assert found.faults == []


def test_a_stripped_image(planted):
    """Without symbols there are no names and no given stack, but code can be followed."""
    found = planted(FRAME, defines={"SIZE": 5000}, flags=["-Wl,-s"])
    assert found.given is None and found.faults == []
    assert 5000 <= found.worst.bytes <= 5200
    assert "-" in texts(found)


def test_a_call_by_pointer_without_a_function(planted):
    """To a number; or in an image without names, where nothing says what functions there are."""
    wild = """
    static volatile uint32_t place = 16;
    int main(void) { return ((int (*)(void))place)(); }
    """
    assert any("no function can be meant" in fault for fault in planted(wild).faults)
    text = """
    static int one(void) { return 1; }
    static int (*volatile chosen)(void) = one;
    int main(void) { return chosen(); }
    """
    assert planted(text).faults == []
    assert planted(text, flags=["-Wl,-s"]).problems
    known = "int main(void) { return ((int (*)(void))16)(); }"
    assert any("calls 0x10, where there is no code" in fault for fault in planted(known).faults)


def test_data_in_code_is_none(planted):
    text = """
    __asm__(".text\\n .globl table\\n table: .word 0xffffffff, 0x12345677\\n");
    extern const int table[];
    int main(void) { return table[0] + 1; }
    """
    assert planted(text).strangers == ()


def test_scratch_comes_from_the_headers(tmp_path, monkeypatch):
    fields = {"y": "int8_t *", "scratch": "void *"}
    kernels = dict.fromkeys(("heed_a", "heed_b", "heed_c"), fields) | {"heed_d": {"y": "int8_t *"}}
    monkeypatch.setattr("heed.audit.scratch.KERNELS", kernels)
    (tmp_path / "some.h").write_text("""
    static inline uint32_t heed_a_scratch(uint32_t rows)
    {
        return 4 * rows +
               8;
    }
    struct heed_a {
        void *scratch; /* see heed_a_scratch */
    };
    struct heed_b {
        int8_t *y;
        void *scratch; /* 64 bytes
                          a row */
    };
    struct heed_c {
        void *scratch;
    };
    """)
    assert scratch_formulas(tmp_path) == {
        "heed_a": "4 * rows + 8",
        "heed_b": "64 bytes a row",
        "heed_c": "scratch",
    }


def test_kernels_with_scratch_have_a_formula():
    formulas = scratch_formulas()
    assert formulas.keys() == {name for name, fields in KERNELS.items() if "scratch" in fields}


def test_the_page_keeps_its_text():
    found = examine("kernels")
    old = f"# Mine\n\n{MARK}\n\nold\n\n## Kernels\n\ntext\n\n{KERNEL_MARK}\n\nold\n"
    new = page(old, [found])
    assert new.startswith(f"# Mine\n\n{MARK}\n\n| image |")
    assert f"\n\n## Kernels\n\ntext\n\n{KERNEL_MARK}\n\n| kernel |" in new
    assert "old" not in new and page(new, [found]) == new
    for name, *rest in kernel_texts([found]):
        assert " | ".join((f"| `{name}`", *rest)) in new
    for broken in (old.replace(MARK, ""), old.replace(KERNEL_MARK, "")):
        with pytest.raises(HeedError, match="the page has no line"):
            page(broken, [found])
