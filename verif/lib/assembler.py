"""Small bare programs for tests of the core: assembled or compiled, as a memory image."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

BASE = 0x8000_0000
LIMIT = 1 << 20
"""Bytes that a program may take."""

_SCRIPT = """
ENTRY(_start)
SECTIONS {{
  . = {base:#x};
  .text : {{ KEEP(*(.start)) *(.text*) }}
  .data : ALIGN(8) {{ *(.rodata*) *(.srodata*) *(.data*) *(.sdata*) }}
  .bss : ALIGN(8) {{ *(.bss*) *(.sbss*) *(COMMON) *(.got*) }}
  /DISCARD/ : {{ *(.comment) *(.riscv.attributes) *(.eh_frame) }}
}}
"""

_PREFIX = """
.option arch, +a, +zicsr, +zifencei, +xcvmem, +xcvsimd, +xcvalu, +xcvmac, +xcvbitmanip, +xcvbi
.section .start, "ax"
.global _start
_start:
"""

_START = """
    li sp, {stack:#x}
    call main
.global _end
_end:
    j _end
"""


@dataclass(frozen=True)
class Image:
    """A program in memory: bytes from `base` on, and its symbols' addresses."""

    base: int
    data: bytes
    symbols: dict[str, int]

    def padded(self, size: int) -> bytearray:
        """The bytes, followed by zeros up to `size`."""
        if len(self.data) > size:
            raise ValueError(f"program has {len(self.data)} bytes, but {size} are there")
        return bytearray(self.data.ljust(size, b"\0"))


def assemble(text: str, *, base: int = BASE) -> Image:
    """Assemble a program that starts at its first instruction."""
    return _build({"program.S": _PREFIX + text}, base)


def compile_c(text: str, *, base: int = BASE, stack: int) -> Image:
    """Compile C; `main` runs on a stack that ends at `stack`, then the program stays at `_end`."""
    return _build({"start.S": _PREFIX + _START.format(stack=stack), "program.c": text}, base)


def _build(files: dict[str, str], base: int) -> Image:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            (root / name).write_text(text)
        (root / "link.ld").write_text(_SCRIPT.format(base=base))
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "riscv32-freestanding-none"]
        command += ["-mcpu=generic_rv32+m", "-O2", "-ffreestanding", "-nostdlib", "-g0"]
        command += ["-fno-sanitize=all", "-fomit-frame-pointer", *files, "-lcompiler_rt"]
        command += ["-T", "link.ld", "-o", "program.elf"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"the program does not build:\n{done.stderr}")
        return _read(root / "program.elf", base)


def _read(path: Path, base: int) -> Image:
    data = bytearray()
    with path.open("rb") as file:
        elf = ELFFile(file)
        for segment in elf.iter_segments("PT_LOAD"):
            offset = segment["p_paddr"] - base
            if segment["p_memsz"] == 0:
                continue
            end = offset + segment["p_memsz"]
            if not 0 <= offset < end <= LIMIT:
                raise RuntimeError(f"a segment lies at {segment['p_paddr']:#x}, not from {base:#x}")
            data.extend(bytes(max(0, end - len(data))))
            content = segment.data()
            data[offset : offset + len(content)] = content
        table = elf.get_section_by_name(".symtab")
        symbols = {s.name: s["st_value"] for s in table.iter_symbols()} if table else {}
    return Image(base, bytes(data), symbols)
