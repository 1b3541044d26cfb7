"""The wrappers of instructions, on the simulator and as portable C, against the golden model."""

import ctypes
import itertools
from dataclasses import replace

import numpy as np
import pytest

from heed.simulator.iss import IssSimulator
from heed.toolchain import compile, compiler, symbols
from heed.toolchain.compiler import INCLUDE, run_compiler
from heed.toolchain.host import FLAGS as HOST_FLAGS
from hw.config import CORE_GROUPS, CoreConfig
from hw.presets import TINY
from sw_model.isa import decode, encode
from sw_model.isa.disassemble import disassemble
from sw_model.isa.table import TABLE
from verif.lib.elf_text import functions

GROUPS = ("xcv_alu", "xcv_bitmanip", "xcv_mac", "xcv_simd", "xheed")
EMITTED = {
    "cv.abs": "(int32_t)a < 0 ? -a : a",
    "cv.sle": "(int32_t)a <= (int32_t)b",
    "cv.sleu": "a <= b",
    "cv.min": "(int32_t)a < (int32_t)b ? a : b",
    "cv.minu": "a < b ? a : b",
    "cv.max": "(int32_t)a > (int32_t)b ? a : b",
    "cv.maxu": "a > b ? a : b",
    "cv.exths": "(uint32_t)(int16_t)a",
    "cv.exthz": "(uint16_t)a",
    "cv.extbs": "(uint32_t)(int8_t)a",
    "cv.extbz": None,
}
"""What the compiler emits by itself, and for which C; RV32I has an equal of the last."""
CORNERS = (
    *(0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF),
    *(0x80808080, 0x7F7F7F7F, 0x80008000, 0x7FFF8000, 0x12345678, 0x01020300, 0x07060504),
)


def unsigned_immediates(name):
    """Those that assemblers take: shift amounts and numbers of lanes end with the lane."""
    lanes = {"b": (0, 1, 2, 3), "h": (0, 1)}[name[-1]]
    if name.startswith(("cv.extract", "cv.insert")):
        return lanes
    if name == "cv.shuffle.sci.h":
        return 0, 1, 2, 3
    if name.startswith(("cv.srl", "cv.sra", "cv.sll")):
        return {"b": (0, 1, 7), "h": (0, 1, 15)}[name[-1]]
    return 0, 1, 27, 63


def cases():
    """(row, operands of the word, C expression) for every wrapper; some immediates for each."""
    for row in TABLE:
        if row.group not in GROUPS or row.compute is None or row.name in EMITTED:
            continue
        name = row.name.replace("cv.", "xcv_").replace("heed.", "xheed_").replace(".", "_")
        old = ", c" if row.reads_rd else ""
        match row.operands:
            case "rd, rs1":
                yield row, {}, f"{name}(a)"
            case "rd, rs1, rs2" if row.name.endswith("Nr"):
                yield row, {}, f"{name[:-1]}(c, a, b & 31)"
            case "rd, rs1, rs2" if row.group == "xcv_bitmanip" and row.name != "cv.ror":
                yield row, {}, f"{name[:-1]}(a, (b >> 5 & 31) + 1, b & 31{old})"
            case "rd, rs1, rs2":
                yield row, {}, f"{name}(a, b{old})"
            case "rd, rs1, is2":
                for bits in (0, 1, 8, 16, 31):
                    yield row, {"is2": bits}, f"{name}(a, {bits})"
            case "rd, rs1, rs2, is3":
                for shift in (0, 1, 7, 16, 31):
                    yield row, {"is3": shift}, f"{name}(a, b, {shift}{old})"
            case "rd, rs1, is3, is2":
                for size, low in ((0, 0), (7, 8), (31, 0), (31, 31), (15, 20), (4, 3)):
                    yield row, {"is3": size, "is2": low}, f"{name}(a, {size + 1}, {low}{old})"
            case "rd, rs1, group, is2":
                for group, drop in ((0, 0), (1, 0), (2, 0), (0, 5), (2, 7), (1, 31)):
                    yield row, {"group": group, "is2": drop}, f"{name}(a, {group}, {drop})"
            case "rd, rs1, imm6":
                for value in (-32, -1, 0, 5, 31):
                    call = name.replace("_sci", "_sc")
                    yield row, {"imm6": value}, f"{call}(a, (uint32_t){value}{old})"
            case "rd, rs1, uimm6":
                shuffled = "shuffle" in row.name
                for value in unsigned_immediates(row.name):
                    call = name if shuffled else name.replace("_sci", "_sc")
                    yield row, {"uimm6": value}, f"{call}(a, {value}{old})"
            case "rd, rs1, rs2, lane, clip":
                for lane, clip in itertools.product(range(4), range(2)):
                    fields = {"lane": lane, "clip": clip}
                    yield row, fields, f"{name}(c, (int32_t)a, b, {lane}, {clip})"
            case other:
                raise AssertionError(f"{row.name}: no way to write {other}")


CASES = list(cases())
OPERANDS = 64


def operands():
    """Half corner values, half random ones."""
    rng = np.random.default_rng(5)
    corners = rng.choice(np.array(CORNERS, np.uint32), (OPERANDS // 2, 3))
    return np.concatenate([corners, rng.integers(0, 1 << 32, (OPERANDS // 2, 3), np.uint32)])


def source(expressions, main):
    functions = "\n".join(
        f"__attribute__((noinline)) uint32_t case_{number}(uint32_t a, uint32_t b, uint32_t c)"
        f" {{ (void)a; (void)b; (void)c; return (uint32_t)({expression}); }}"
        for number, expression in enumerate(expressions)
    )
    table = ", ".join(f"case_{number}" for number in range(len(expressions)))
    return f"""
        #include "heed/xheed.h"
        {functions}
        static uint32_t (*const cases[])(uint32_t, uint32_t, uint32_t) = {{{table}}};
        enum {{ CASES = {len(expressions)} }};
        void all(uint32_t (*operands)[3], uint32_t *results);
        void all(uint32_t (*operands)[3], uint32_t *results)
        {{
            for (unsigned n = 0; n < CASES; n++)
                for (unsigned k = 0; k < {OPERANDS}; k++)
                    *results++ = cases[n](operands[k][0], operands[k][1], operands[k][2]);
        }}
        {main}
        """


MAIN = f"""
    uint32_t operands[{OPERANDS}][3] __attribute__((section(".data")));
    uint32_t results[CASES * {OPERANDS}] __attribute__((section(".data")));
    int main(void) {{ all(operands, results); return 0; }}
    """


def on_simulator(expressions, folder, core):
    """Results of all cases by the simulator, and the code of each."""
    file = folder / "cases.c"
    file.write_text(source(expressions, MAIN))
    config = replace(TINY, core=core)
    elf = compile([file], config=config)
    names = symbols(elf)
    run = IssSimulator(config).run(
        elf,
        loads=[(names["operands"], operands().tobytes())],
        dumps=[(names["results"], 4 * len(expressions) * OPERANDS)],
    )
    assert run.status == 0, run.trap
    return np.frombuffer(run.dumps[0], "<u4").reshape(-1, OPERANDS), functions(elf)


def on_host(expressions, folder):
    """Results of all cases by this computer."""
    (folder / "host.c").write_text(source(expressions, ""))
    flags = [flag for flag in HOST_FLAGS if flag != "-Wextra"]
    run_compiler([*flags, f"-I{INCLUDE}", "host.c", "-o", "host.so"], folder, "host.c")
    results = np.zeros((len(expressions), OPERANDS), np.uint32)
    given = operands()
    pointer = ctypes.POINTER(ctypes.c_uint32)
    ctypes.CDLL(str(folder / "host.so")).all(
        given.ctypes.data_as(pointer), results.ctypes.data_as(pointer)
    )
    return results


@pytest.fixture(scope="module")
def wanted():
    """By the golden model."""
    given = operands().tolist()
    words = [encode(row, **fields) for row, fields, _ in CASES]
    return np.array([[decode(word).row.compute(*abc, word) for abc in given] for word in words])


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xcv")
    return on_simulator([text for *_, text in CASES], folder, CoreConfig())


def compare(found, wanted):
    wrong = np.argwhere(found != wanted)
    for case, number in wrong[:1]:
        row, fields, text = CASES[case]
        a, b, c = operands()[number].tolist()
        pytest.fail(
            f"{row.name} {fields}, {text} with a {a:#x}, b {b:#x}, c {c:#x}: "
            f"{found[case, number]:#x}, but should be {wanted[case, number]:#x}"
        )


def test_every_instruction_has_a_wrapper_or_is_emitted():
    tested = {row.name for row, *_ in CASES}
    assert len(CASES) > 400
    for row in TABLE:
        if row.group in GROUPS:
            assert (row.name in tested) != (row.name in EMITTED), row.name


def test_wrappers_on_the_simulator(simulated, wanted):
    compare(simulated[0], wanted)


def test_wrappers_are_that_instruction(simulated):
    """Each function has it, and hardly anything besides."""
    for number, (row, fields, text) in enumerate(CASES):
        code = simulated[1][f"case_{number}"]
        names = [disassemble(word).split()[0] for word in code]
        assert names.count(row.name) == 1, (text, names)
        assert len(code) <= 8, (text, names)
        found = next(decode(word) for word in code if decode(word).name == row.name)
        assert all(found.operand(name) == value for name, value in fields.items()), text


def test_portable_forms_on_this_computer(tmp_path, wanted):
    compare(on_host([text for *_, text in CASES], tmp_path), wanted)


def test_portable_forms_on_a_core_without_extensions(tmp_path, wanted):
    found, _ = on_simulator([text for *_, text in CASES], tmp_path, CoreConfig.of("m"))
    compare(found, wanted)


def test_what_the_compiler_emits(tmp_path):
    """It means what the golden model says, and is emitted."""
    named = [(name, text) for name, text in EMITTED.items() if text]
    found, code = on_simulator([text for _, text in named], tmp_path, CoreConfig())
    rows = {row.name: row for row in TABLE}
    for number, (name, _) in enumerate(named):
        names = [disassemble(word).split()[0] for word in code[f"case_{number}"]]
        assert name in names
        row = rows[name]
        for (a, b, c), result in zip(operands().tolist(), found[number].tolist(), strict=True):
            assert row.compute(a, b, c, row.match) == result, name


BUILTINS = (
    "a ? __builtin_clz(a) : 32",
    "a ? __builtin_ctz(a) : 32",
    "__builtin_popcount(a)",
    "__builtin_bswap32(a)",
    "a >> (b & 31) | a << (-b & 31)",
    "a * b + c",
    "c - a * b",
    "(int32_t)a >> 7 & 31",
    "(int8_t)(a >> 8) * (int8_t)(b >> 16)",
    "((int32_t)a + (int32_t)b) >> 3",
    "(int32_t)a < -128 ? -128 : (int32_t)a > 127 ? 127 : a",
    "a / (b | 1) + a % (b | 1)",
    "(uint32_t)((int64_t)(int32_t)a * (int32_t)b >> 17)",
)


def test_the_compiler_and_this_computer_agree(tmp_path):
    """With all extensions: expressions that a compiler might have special instructions for."""
    found, _ = on_simulator(BUILTINS, tmp_path, CoreConfig())
    host = on_host(BUILTINS, tmp_path)
    for text, ours, theirs in zip(BUILTINS, found, host, strict=True):
        assert np.array_equal(ours, theirs), text


def test_the_compiler_must_not_know_of_bit_manipulation(tmp_path, monkeypatch):
    """It would emit cv.fl1 for leading zeros. Once it does not, it may know of them."""
    monkeypatch.setattr(compiler, "_WRAPPED", ("xcv_hwlp", "xheed"))
    found, _ = on_simulator(BUILTINS[:1], tmp_path, CoreConfig())
    assert not np.array_equal(found, on_host(BUILTINS[:1], tmp_path))


@pytest.mark.parametrize("group", [group for group in CORE_GROUPS if group != "m"])
def test_a_group_left_out_is_not_used(tmp_path, group):
    core = CoreConfig(**{group: False})
    texts = [text for row, _, text in CASES if row.group == group] or ["a * b"]
    _, code = on_simulator(texts, tmp_path, core)
    rows = [decode(word).row for words in code.values() for word in words]
    assert all(row.group == "i" or row.group in core.groups for row in rows)


def test_loop_text(tmp_path):
    """Loops of 1 to 5 instructions, nested: cv.setup with the right end."""
    file = tmp_path / "loops.c"
    file.write_text("""
        #include "heed/hart.h"
        #include "heed/host.h"
        #include "heed/loops.h"
        int main(void)
        {
            uint32_t sum = 0, inner = 7, outer = 5;
            __asm__ volatile(XCV_LOOP(1, "%2", 4)
                             "addi %0, %0, 100\\n"
                             XCV_LOOP(0, "%1", 1)
                             "addi %0, %0, 1\\n"
                             "nop\\n"
                             : "+r"(sum) : "r"(inner), "r"(outer));
            heed_mailbox(sum);
            return 0;
        }
        """)
    run = IssSimulator(TINY).run(compile([file], config=TINY))
    assert [word for _, word in run.mailbox] == [5 * (100 + 7)]
