"""Bare RV32 programs: sources in, one linked ELF out, cached by content."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from heed.doctor import build_folder
from heed.errors import HeedError
from hw.config import ClusterConfig, CoreConfig

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
RUNTIME = FIRMWARE / "runtime"
INCLUDE = FIRMWARE / "include"
KERNELS = FIRMWARE / "kernels"

MAIN_STACK_BYTES = 16384
"""Stack of a hart when the stacks lie in main memory."""

_COMMON = (
    "-target riscv32-freestanding-none "
    "-std=gnu11 -O2 -ffreestanding -nostdlib -fno-sanitize=all -fomit-frame-pointer -fwrapv -g0 "
    "-Wall -Wextra -Werror -Wl,-z,max-page-size=64"
).split()

_WRAPPED = ("xcv_bitmanip", "xcv_hwlp", "xheed")
"""Extensions that only wrappers use: the compiler takes `cv.fl1` for a count of leading zeros,
which it is not, and has never heard of the others."""


def architecture(core: CoreConfig) -> list[str]:
    """Return the flags that tell compiler and wrappers which instructions a core has.

    For each extension the macro `HEED_CORE_` with its name is defined; without it, the wrappers of
    `heed/xcv.h` and `heed/xheed.h` are portable C.
    """
    emitted = [name.replace("_", "") for name in core.groups if name not in _WRAPPED]
    features = "".join(f"+{name}" for name in ("zicsr", "zifencei", *emitted))
    return [
        f"-mcpu=generic_rv32{features}",
        *(f"-DHEED_CORE_{name.upper()}=1" for name in core.groups),
    ]


FLAGS = [*_COMMON, *architecture(CoreConfig.of("m"))]
"""Flags for a bare program in plain RV32IM."""


def kernel_sources(folder: Path = KERNELS) -> list[Path]:
    """Return the C files of all kernels in a folder."""
    return sorted(folder.rglob("*.c"))


def _runtime_sources() -> list[Path]:
    return sorted([*RUNTIME.glob("*.S"), *RUNTIME.glob("*.c")])


def _ziglang_version() -> str:
    try:
        found = version("ziglang")
    except PackageNotFoundError:
        found = None
    if found is None or importlib.util.find_spec("ziglang") is None:
        raise HeedError(
            "the C compiler is missing: the Python package ziglang is not installed",
            "make setup, or pip install ziglang",
        )
    return found


def _preset(config: ClusterConfig, stack_bytes: int | None) -> str:
    """Return preset.ld: the sizes that the link script needs."""
    sizes = {
        "__tcdm_bytes": config.tcdm.bytes,
        "__main_bytes": config.main_bytes,
        "__harts": config.harts,
        "__stack_bytes": stack_bytes or MAIN_STACK_BYTES,
        "__stack_in_tcdm": int(stack_bytes is not None),
    }
    return "".join(f"{name} = {value:#x};\n" for name, value in sizes.items())


def _key(sources: list[Path], folders: list[Path], command: list[str], preset: str) -> str:
    """Hash everything that the ELF depends on, all headers that it may include among it."""
    digest = hashlib.sha256()
    beside = sorted({header for source in sources for header in source.parent.glob("*.h")})
    headers = [header for folder in folders for header in sorted(folder.rglob("*.h"))]
    for path in [*sources, *beside, *headers, RUNTIME / "link.ld"]:
        for part in (path.name.encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8, "little") + part)
    digest.update("\0".join([*command, preset, _ziglang_version()]).encode())
    return digest.hexdigest()[:24]


def run_compiler(arguments: list[str], folder: Path, what: str) -> None:
    """Run `ziglang cc` in `folder`.

    Raises
    ------
    HeedError
        If it fails; the message holds what the compiler said.
    """
    _ziglang_version()
    cache = build_folder().resolve() / "ziglang"
    environment = {
        **os.environ,
        "ZIG_GLOBAL_CACHE_DIR": str(cache),
        "ZIG_LOCAL_CACHE_DIR": str(cache),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise HeedError(f"cannot compile {what}:\n{(done.stderr or done.stdout).strip()}")


def compile(
    sources: Iterable[Path | str],
    out: Path | str | None = None,
    *,
    config: ClusterConfig,
    defines: Mapping[str, int | str] | None = None,
    include: Iterable[Path | str] = (),
    kernels: Path = KERNELS,
    flags: Iterable[str] = (),
    stack_bytes: int | None = None,
) -> Path:
    """Compile and link a bare program with the runtime; return the ELF's path.

    Programs see `firmware/include` and `firmware/kernels`, define `int main(void)`, which every
    started hart runs, and may put data into TCDM with `__attribute__((section(".tcdm")))` (or
    ".tcdm_bss" for cleared data). `HEED_HARTS`, `HEED_TCDM_BYTES` and the preset's name as
    `HEED_PRESET` are defined.

    Nothing is compiled when an ELF of the same sources, headers, flags and compiler is there;
    headers are the files `*.h` beside the sources and in the folders of headers.

    Parameters
    ----------
    sources
        C (.c) and assembly (.S) files.
    out
        Where to copy the ELF; None leaves it in the build folder.
    config
        The cluster that the program is linked for: sizes of its memories, number of harts, the
        extensions of its cores.
    defines
        Further preprocessor macros.
    include
        Further folders of headers.
    kernels
        Folder of the kernels' headers.
    flags
        Further compiler flags.
    stack_bytes
        Bytes of each hart's stack at the end of TCDM, a multiple of 16; None for 16 KiB a hart at
        the end of main memory.

    Raises
    ------
    HeedError
        If a file is missing, the compiler is not installed, the program does not compile, or `out`
        cannot be written.
    """
    sources = [Path(source).resolve() for source in sources]
    for source in sources:
        if not source.is_file():
            raise HeedError(f"cannot compile {source}: there is no such file")
    if stack_bytes is not None and (stack_bytes <= 0 or stack_bytes % 16):
        raise HeedError(f"stack_bytes is {stack_bytes}, but must be a positive multiple of 16")
    macros = {
        "HEED_HARTS": config.harts,
        "HEED_TCDM_BYTES": f"{config.tcdm.bytes}u",
        "HEED_PRESET": f'"{config.name}"',
        **(defines or {}),
    }
    command = [
        *_COMMON,
        *architecture(config.core),
        *(f"-D{name}={value}" for name, value in macros.items()),
        *flags,
    ]
    folders = [INCLUDE, kernels, *(Path(folder).resolve() for folder in include)]
    everything = [*_runtime_sources(), *sources]
    preset = _preset(config, stack_bytes)
    elf = (
        build_folder().resolve() / "firmware" / f"{_key(everything, folders, command, preset)}.elf"
    )
    if not elf.is_file():
        elf.parent.mkdir(parents=True, exist_ok=True)
        # INCLUDE in a link script looks in the working folder; the rename makes the ELF appear
        # whole.
        with tempfile.TemporaryDirectory(dir=elf.parent) as scratch:
            Path(scratch, "preset.ld").write_text(preset)
            arguments = [
                *command,
                *(f"-I{folder}" for folder in folders),
                *map(str, everything),
                "-lcompiler_rt",
                "-T",
                str(RUNTIME / "link.ld"),
                "-o",
                "program.elf",
            ]
            run_compiler(arguments, Path(scratch), ", ".join(path.name for path in sources))
            os.replace(Path(scratch, "program.elf"), elf)
    if out is None:
        return elf
    out = Path(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(elf, out)
    except OSError as error:
        raise HeedError(f"cannot write {out}: {error.strerror}") from None
    return out
