"""The firmware's kernels compiled for this computer: the same C, called through ctypes."""

import ctypes
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

from heed.doctor import build_folder
from heed.toolchain.compiler import INCLUDE, kernel_sources, run_compiler
from heed.toolchain.compiler import KERNELS as KERNEL_FOLDER
from heed.toolchain.kernels import KERNELS, is_pointer

FLAGS = "-std=gnu11 -O2 -fPIC -shared -fwrapv -fno-sanitize=all -Wall -Wextra -Werror".split()


_NUMBERS = {"uint32_t": ctypes.c_uint32, "int32_t": ctypes.c_int32}


class Team(ctypes.Structure):
    """`struct heed_team`."""

    _fields_ = (("index", ctypes.c_uint32), ("size", ctypes.c_uint32))


def _structure(kernel: str) -> type[ctypes.Structure]:
    fields = [
        (name, ctypes.c_void_p if is_pointer(kernel, name) else _NUMBERS[kind])
        for name, kind in KERNELS[kernel].items()
    ]
    return type(kernel, (ctypes.Structure,), {"_fields_": fields})


class HostKernels:
    """Calls kernels of a shared library.

    Parameters
    ----------
    path
        The library.
    """

    def __init__(self, path: Path):
        self._library = ctypes.CDLL(str(path))
        self._structures = {name: _structure(name) for name in KERNELS}
        for name, structure in self._structures.items():
            function = getattr(self._library, name)
            function.argtypes = (ctypes.POINTER(structure), Team)
            function.restype = None

    def call(self, kernel: str, fields: dict[str, int], harts: int = 1) -> None:
        """Run a kernel as a team of `harts` would, one hart after the other.

        Parameters
        ----------
        kernel
            Its name.
        fields
            All fields of its job; addresses are addresses of this process.
        """
        job = self._structures[kernel](**fields)
        for index in range(harts):
            getattr(self._library, kernel)(ctypes.byref(job), Team(index, harts))


@cache
def host_kernels() -> HostKernels:
    """Compile the kernels for this computer, unless that was done before.

    Raises
    ------
    HeedError
        If the compiler is missing or refuses the sources.
    """
    sources = kernel_sources()
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for path in [*sources, *sorted([*KERNEL_FOLDER.rglob("*.h"), *INCLUDE.rglob("*.h")])]:
        digest.update(path.name.encode() + path.read_bytes())
    library = build_folder().resolve() / "firmware" / f"host-{digest.hexdigest()[:24]}.so"
    if not library.is_file():
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
            out = Path(scratch, "kernels.so")
            includes = [f"-I{folder}" for folder in (INCLUDE, KERNEL_FOLDER)]
            run_compiler(
                [*FLAGS, *includes, *map(str, sources), "-o", str(out)],
                Path(scratch),
                "the kernels for this computer",
            )
            os.replace(out, library)
    return HostKernels(library)
