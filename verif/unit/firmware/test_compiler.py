"""The compiler wrapper: what it links, what it caches, and what it says when it cannot."""

import shutil

import pytest
from elftools.elf.elffile import ELFFile

from heed.errors import HeedError
from heed.toolchain import compile, compiler, symbols
from hw.config import MAIN_BASE, TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import MAX_HARTS


def program(folder, text, name="program.c"):
    path = folder / name
    path.write_text(text)
    return path


def section(elf, name):
    with open(elf, "rb") as file:
        found = ELFFile(file).get_section_by_name(name)
        return found["sh_addr"], found.data()


def test_a_program(tmp_path):
    """Code in main memory, marked data in TCDM, and the symbols that other tools read."""
    source = program(
        tmp_path,
        """
        #include <stdint.h>
        int32_t table[3] __attribute__((section(".tcdm"))) = {1, 2, HEED_HARTS};
        int32_t work[100] __attribute__((section(".tcdm_bss")));
        int main(void) { return (int)(work[table[1]] * (int64_t)EXTRA / 7); }
        """,
    )
    elf = compile([source], tmp_path / "out" / "p.elf", config=PAPER, defines={"EXTRA": 5})
    assert elf == tmp_path / "out" / "p.elf"
    with open(elf, "rb") as file:
        header = ELFFile(file)
        assert header["e_machine"] == "EM_RISCV" and header.elfclass == 32
        assert header["e_entry"] == MAIN_BASE
    names = symbols(elf)
    assert names["table"] == TCDM_BASE
    assert names["work"] == TCDM_BASE + 64
    assert names["__stack_top"] == MAIN_BASE + PAPER.main_bytes
    assert section(elf, ".tcdm")[1][:12] == b"".join(n.to_bytes(4, "little") for n in (1, 2, 9))


def test_the_hal_knows_how_many_harts_there_can_be(tmp_path):
    text = f"""
        #include "heed/hart.h"
        _Static_assert(HEED_MAX_HARTS == {MAX_HARTS}, "as in hw/regmap.py");
        int main(void) {{ return 0; }}
        """
    compile([program(tmp_path, text)], config=TINY)


def test_stacks_in_tcdm(tmp_path):
    source = program(tmp_path, "int main(void) { return 0; }")
    names = symbols(compile([source], config=TINY, stack_bytes=512))
    assert names["__stack_top"] == TCDM_BASE + TINY.tcdm.bytes
    assert names["__stack_bottom"] == names["__stack_top"] - 2 * 512


def test_the_same_program_is_compiled_once(tmp_path, monkeypatch):
    source = program(tmp_path, f"int main(void) {{ return {len(str(tmp_path))}; }}")
    first = compile([source], config=TINY)
    monkeypatch.setattr(compiler, "run_compiler", lambda *_: pytest.fail("compiled again"))
    assert compile([source], config=TINY) == first


@pytest.mark.parametrize("change", ["source", "header", "beside", "include", "define", "preset"])
def test_every_change_is_seen(tmp_path, monkeypatch, change):
    include = tmp_path / "include"
    shutil.copytree(compiler.INCLUDE, include)
    monkeypatch.setattr(compiler, "INCLUDE", include)
    own = tmp_path / "own"
    own.mkdir()
    program(tmp_path, "#define BESIDE 1\n", "beside.h")
    program(own, "#define OWN 1\n", "own.h")
    source = program(
        tmp_path,
        """
        #include "beside.h"
        #include "own.h"
        int main(void) { return VALUE + BESIDE + OWN; }
        """,
    )
    config, defines = TINY, {"VALUE": 1}
    first = compile([source], config=config, defines=defines, include=[own])
    if change == "source":
        source.write_text("int main(void) { return VALUE + 1; }")
    elif change == "beside":
        program(tmp_path, "#define BESIDE 2\n", "beside.h")
    elif change == "include":
        program(own, "#define OWN 2\n", "own.h")
    elif change == "header":
        header = include / "heed" / "host.h"
        header.write_text(header.read_text() + "\n/* changed */\n")
    elif change == "define":
        defines = {"VALUE": 2}
    else:
        config = PAPER
    assert compile([source], config=config, defines=defines, include=[own]) != first


def test_errors_show_what_the_compiler_says(tmp_path):
    source = program(tmp_path, "int main(void) { return missing_name; }", "broken.c")
    with pytest.raises(HeedError, match="cannot compile broken.c") as error:
        compile([source], config=TINY)
    assert "missing_name" in str(error.value) and "broken.c:1:" in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        'char big[200000] __attribute__((section(".tcdm"))); int main(void) { return big[3]; }',
        'char big[131000] __attribute__((section(".tcdm"))); int main(void) { return big[3]; }',
    ],
    ids=["larger than TCDM", "no room for stacks"],
)
def test_a_program_that_does_not_fit(tmp_path, text):
    with pytest.raises(HeedError, match="tcdm|stacks"):
        compile([program(tmp_path, text)], config=TINY, stack_bytes=1024)


def test_a_folder_in_the_way(tmp_path):
    source = program(tmp_path, "int main(void) { return 0; }")
    with pytest.raises(HeedError, match=f"cannot write {tmp_path}: Is a directory"):
        compile([source], tmp_path, config=TINY)


def test_a_missing_file():
    with pytest.raises(HeedError, match="cannot compile /nowhere/at/all.c: there is no such file"):
        compile(["/nowhere/at/all.c"], config=TINY)


@pytest.mark.parametrize("stack", [0, -16, 100])
def test_wrong_stack(tmp_path, stack):
    source = program(tmp_path, "int main(void) { return 0; }")
    with pytest.raises(HeedError, match=f"stack_bytes is {stack}"):
        compile([source], config=TINY, stack_bytes=stack)


def test_a_missing_compiler(tmp_path, monkeypatch):
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: None)
    source = program(tmp_path, "int main(void) { return 0; }")
    with pytest.raises(HeedError, match="the Python package ziglang is not installed"):
        compile([source], config=TINY)
