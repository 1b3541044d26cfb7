"""What firmware images are made of: no instruction that their cores do not have."""

from dataclasses import replace

import pytest

from heed.flow.deploy import deploy
from heed.toolchain import compile
from heed.toolchain.compiler import FIRMWARE, kernel_sources
from heed.zoo.digits_vit import load_graph
from hw.config import CoreConfig
from hw.presets import TINY
from sw_model.isa import decode
from sw_model.isa.disassemble import disassemble
from verif.lib.elf_text import text

CORES = {
    "complete": CoreConfig(),
    "no loops": CoreConfig(xcv_hwlp=False, xcv_alu=False, xcv_bi=False),
    "no vectors": CoreConfig(xcv_simd=False, xcv_mac=False, xheed=False),
    "m": CoreConfig.of("m"),
}
DEFINES = {
    "busy": {"WORK": 1},
    "exit_code": {"CODE": 0},
    "tohost": {"CODE": 1, "ENDER": 0, "SECTION": '".data"'},
}
"""Of programs that need some."""
EVERYTHING = ("-Wl,--no-gc-sections",)


def kernels(config):
    """All kernels, also those that nobody calls."""
    sources = [FIRMWARE / "apps" / "hello.c", *kernel_sources()]
    return compile(sources, config=config, flags=EVERYTHING)


def network(config):
    return deploy(load_graph(), config).elf


def program(name):
    def build(config):
        defines = DEFINES.get(name, {})
        return compile([FIRMWARE / "tests" / f"{name}.c"], config=config, defines=defines)

    return build


IMAGES = {
    "kernels": kernels,
    "network": network,
    **{file.stem: program(file.stem) for file in sorted((FIRMWARE / "tests").glob("*.c"))},
}


def strangers(elf, core):
    """Instructions of a program that a core does not have, with their addresses."""
    base, words = text(elf)
    assert len(words) > 200
    found = {}
    for place, word in enumerate(words):
        decoded = decode(word)
        if decoded is None or decoded.row.group not in ("i", *core.groups):
            address = base + 4 * place
            found[hex(address)] = disassemble(word, address)
    return found


def groups(elf):
    return {decode(word).row.group for word in text(elf)[1]}


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("image", ("kernels", "network"))
def test_kernels_and_networks(image, core):
    config = replace(TINY, core=CORES[core])
    assert strangers(IMAGES[image](config), CORES[core]) == {}


@pytest.mark.parametrize("image", [name for name in IMAGES if name not in ("kernels", "network")])
def test_programs(image):
    assert strangers(IMAGES[image](TINY), TINY.core) == {}


def test_the_kernels_use_what_is_there():
    assert groups(kernels(TINY)) >= {"i", "m", "xcv_simd", "xcv_mem", "xcv_hwlp", "xheed"}


def test_a_stranger_is_found():
    """The image of a complete core is not one for a smaller core."""
    found = strangers(kernels(TINY), CoreConfig.of("m", "xcv_mem"))
    names = {instruction.split()[0] for instruction in found.values()}
    assert {"cv.setup", "cv.sdotsp.b", "cv.sdotusp.b", "heed.rq"} <= names
    assert not names & {"mul", "lw", "cv.lw"}
