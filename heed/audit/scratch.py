"""Scratch memory that kernels ask of their jobs, as the headers say it."""

import re
from pathlib import Path

from heed.toolchain.compiler import KERNELS as KERNEL_FOLDER
from heed.toolchain.kernels import KERNELS

FIELD = "scratch"
"""The field of a job that points to a hart's scratch memory, or the first hart's."""

_FORMULA = re.compile(r"uint32_t (heed_\w+)_scratch\([^)]*\)\s*\{\s*return ([^;]*);\s*\}")
_COMMENT = re.compile(rf"struct (heed_\w+) \{{[^}}]*?\b{FIELD};\s*/\*(.*?)\*/", re.DOTALL)


def _line(text: str) -> str:
    return " ".join(text.split())


def scratch_formulas(folder: Path = KERNEL_FOLDER) -> dict[str, str]:
    """Return the bytes that each kernel with a field `scratch` asks for, as a formula.

    It is what the header's function `heed_x_scratch` returns; without one, the comment behind the
    field; without both, the field's name alone.
    """
    texts = [path.read_text() for path in sorted(folder.rglob("*.h"))]
    found = {}
    for text in texts:
        found |= {name: _line(comment) for name, comment in _COMMENT.findall(text)}
    for text in texts:
        found |= {name: _line(formula) for name, formula in _FORMULA.findall(text)}
    return {name: found.get(name, FIELD) for name, fields in KERNELS.items() if FIELD in fields}
