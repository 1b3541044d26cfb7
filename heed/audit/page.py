"""The tables of an audit, for the terminal and for docs/reference/firmware-audit.md."""

import math
from collections.abc import Sequence

from heed.audit.report import Audit
from heed.audit.scratch import scratch_formulas
from heed.bench.page import renewed

HEADINGS = ("image", "text", "rodata", "data", "bss", "tcdm", "stack", "of", "extensions")
KERNEL_HEADINGS = ("kernel", "code", "stack", "scratch of a hart")
MARK = "<!-- Written by `heed audit`: images -->"
KERNEL_MARK = "<!-- Written by `heed audit`: kernels -->"


def _bytes(size: float | None) -> str:
    if size is None:
        return "-"
    return "no end" if math.isinf(size) else f"{int(size):,}"


def texts(audit: Audit) -> tuple[str, ...]:
    """Return an image's row of the first table."""
    sizes = audit.sizes
    parts = (sizes.text, sizes.rodata, sizes.data, sizes.bss, sizes.tcdm)
    return (
        audit.name,
        *map(_bytes, parts),
        _bytes(audit.worst.bytes),
        _bytes(audit.given),
        " ".join(audit.groups),
    )


def kernel_texts(audits: Sequence[Audit]) -> list[tuple[str, ...]]:
    """Return the rows of the second table, from the image that has the most kernels."""
    if not audits:
        return []
    audit = max(audits, key=lambda audit: len(audit.code))
    formulas = scratch_formulas()
    return [
        (name, _bytes(code), _bytes(audit.entries[name]), formulas.get(name, "none"))
        for name, code in audit.code.items()
    ]


def page(old: str, audits: Sequence[Audit]) -> str:
    """Return the page with both tables renewed; what is between them stays.

    Raises
    ------
    HeedError
        A line above a table is missing.
    """
    head, _, middle = old.partition(KERNEL_MARK)[0].partition(MARK)
    between = middle[middle.find("\n\n#") :] if "\n\n#" in middle else "\n\n"
    first = renewed(head + MARK if MARK in old else head, MARK, HEADINGS, map(texts, audits))
    both = first.rstrip("\n") + between + (KERNEL_MARK if KERNEL_MARK in old else "")
    kernels = [
        (f"`{name}`", *numbers, scratch.replace("|", r"\|"))
        for name, *numbers, scratch in kernel_texts(audits)
    ]
    return renewed(both, KERNEL_MARK, KERNEL_HEADINGS, kernels)
