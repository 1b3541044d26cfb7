"""The kernels of `firmware/kernels`: the fields of their job structures, as the headers have them.

Both the generated C and the calls into kernels compiled for this computer build on it. Besides,
the parameters of requantisation in core form.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heed.toolchain.compiler import KERNELS as KERNEL_FOLDER
from sw_model.ops import Entry

_STRUCTURE = re.compile(r"struct (heed_\w+) \{(.*?)\};", re.DOTALL)
_FUNCTION = r"void {0}\(const struct {0} \*\w+, struct heed_team \w+\);"
_FIELD = re.compile(r"(.*?[ *])(\w+(?:, \w+)*)")


def _fields(body: str) -> dict[str, str]:
    fields = {}
    for line in filter(None, (" ".join(line.split()) for line in body.split(";"))):
        kind, names = _FIELD.fullmatch(line).groups()
        fields |= {name: kind.strip() for name in names.split(", ")}
    return fields


def read_headers(folder: Path) -> dict[str, dict[str, str]]:
    """Return the kernels that `heed_kernels.h` in a folder includes, in its order.

    A kernel is a function `void heed_x(const struct heed_x *job, struct heed_team team)` in a
    header that holds its structure; every field of it is a pointer, uint32_t or int32_t.
    """
    kernels = {}
    for name in re.findall(r'#include "(.*?)"', (folder / "heed_kernels.h").read_text()):
        text = re.sub(r"/\*.*?\*/", "", (folder / name).read_text(), flags=re.DOTALL)
        for name, body in _STRUCTURE.findall(text):
            if re.search(_FUNCTION.format(name), text):
                kernels[name] = _fields(body)
    return kernels


KERNELS = read_headers(KERNEL_FOLDER)
"""Name and type of every field of every kernel's job structure, in order."""


def is_pointer(kernel: str, field: str) -> bool:
    """Whether a field of a kernel's job holds an address."""
    return KERNELS[kernel][field].endswith("*")


@dataclass(frozen=True)
class CoreEntries:
    """Requantisation in the form that `heed.rq` takes, one value a column.

    Parameters
    ----------
    bias
        int32, added to the sum (modulo 2^32) before anything else.
    mul, shift, zero
        Multiplier 0 to 65535, right shift 0 to 31, zero point -128 to 127.
    """

    bias: np.ndarray
    mul: np.ndarray
    shift: np.ndarray
    zero: np.ndarray

    def bytes(self) -> bytes:
        """Return them as an array of `struct heed_core_entry`."""
        words = np.empty((len(self.bias), 2), "<u4")
        words[:, 0] = np.asarray(self.bias, np.int64) & 0xFFFFFFFF
        words[:, 1] = self.mul | self.shift << 16 | (self.zero & 0xFF) << 24
        return words.tobytes()

    @classmethod
    def of(cls, entry: Entry, count: int, largest: int) -> "CoreEntries | None":
        """Return the core form of `count` entries; None where one has no such form.

        Its `add` must be bias * mul + half + (zero << shift), no residual may be there, and bias
        and sum must fit 32 bits together.

        Parameters
        ----------
        entry, count
        largest
            Largest magnitude of a sum.
        """
        values = {
            name: np.broadcast_to(getattr(entry, name), count) for name in ("mul", "add", "shift")
        }
        if values["mul"].min() < 0 or values["mul"].max() > 0xFFFF or np.any(entry.rmul):
            return None
        forms = [_core_form(*map(int, one)) for one in zip(*values.values(), strict=True)]
        if None in forms:
            return None
        bias, zero = np.array(forms, np.int64).T
        if abs(bias).max() + largest >= 1 << 31:
            return None
        return cls(bias=bias, mul=values["mul"], shift=values["shift"], zero=zero)

    @property
    def entry(self) -> Entry:
        """The same in general form; equal as long as bias and sum fit 32 bits together."""
        half = (1 << self.shift) >> 1
        return Entry(
            mul=self.mul,
            add=self.bias * self.mul + half + (self.zero << self.shift),
            shift=self.shift,
        )


def _core_form(mul: int, add: int, shift: int) -> tuple[int, int] | None:
    """Return (bias, zero) with add = bias * mul + half + (zero << shift); None if there are none.

    Of several, the one with the smallest bias: it leaves most room for the sum.
    """
    zeros = np.arange(-128, 128)
    rest = add - ((1 << shift) >> 1) - (zeros << shift)
    bias = rest // mul if mul else np.zeros_like(rest)
    fits = (bias * mul == rest) & (abs(bias) < 1 << 31)
    if not fits.any():
        return None
    best = np.flatnonzero(fits)[np.argmin(abs(bias[fits]))]
    return int(bias[best]), int(zeros[best])
