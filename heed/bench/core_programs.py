"""The programs that cores are measured with: plain C for RV32IM, in `firmware/bench`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from heed.toolchain import compile
from heed.toolchain.compiler import FIRMWARE
from hw.config import ClusterConfig, CoreConfig

SOURCES = FIRMWARE / "bench"
FLAGS = ("-fno-jump-tables",)
"""Tables of jumps would lie in main memory, where a load holds the core."""
STACK_BYTES = 2048


@dataclass(frozen=True)
class Program:
    """A program of `firmware/bench`: its file's name, and the sizes it is compiled with."""

    name: str
    sizes: Mapping[str, int] = field(hash=False)

    def elf(self, config: ClusterConfig, main: str, defines: Mapping[str, object]) -> Path:
        """Compile it for plain RV32IM; `main` is the file that calls it."""
        return compile(
            [SOURCES / f"{main}.c", SOURCES / f"{self.name}.c"],
            config=replace(config, core=CoreConfig.of("m")),
            defines={**self.sizes, **defines},
            flags=FLAGS,
            stack_bytes=STACK_BYTES,
        )

    def __str__(self) -> str:
        return f"{self.name} {'x'.join(map(str, self.sizes.values()))}"


PROGRAMS = (
    Program("matmul", {"ROWS": 24, "INNER": 32, "COLUMNS": 24}),
    Program("crc32", {"BYTES": 4096}),
    Program("heapsort", {"NUMBERS": 1024}),
    Program("fractions", {"SUMS": 64}),
)
