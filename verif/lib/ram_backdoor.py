"""Reads and writes one memory of a Verilated design without simulating cycles."""

import ctypes


class RamBackdoor:
    """The words of one `Ram` inside the design that this process simulates.

    Works in cocotb benches on Verilator, at any time: calls change memory behind the design's
    back.

    Parameters
    ----------
    name
        Hierarchical name of the `Ram`, e.g. "top.data".

    Raises
    ------
    RuntimeError
        When the simulator is not Verilator, or nothing has that name.
    """

    def __init__(self, name: str) -> None:
        try:
            library = ctypes.CDLL(None)
            find = library.svGetScopeFromName
            self._select = library.svSetScope
            self._get = library.heed_ram_get
            self._set = library.heed_ram_set
        except AttributeError as error:
            raise RuntimeError(f"no backdoor in this simulation: {error}") from None
        find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
        self._select.restype, self._select.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        self._get.restype, self._get.argtypes = ctypes.c_uint64, [ctypes.c_int]
        self._set.restype, self._set.argtypes = None, [ctypes.c_int, ctypes.c_uint64]
        self._scope = find(f"{name}.words".encode())
        if not self._scope:
            raise RuntimeError(f"the design has no memory {name}")

    def write(self, words: list[int]) -> None:
        """Write words from the first one on."""
        self._select(self._scope)
        for index, word in enumerate(words):
            self._set(index, word)

    def read(self, count: int) -> list[int]:
        """Return the first words."""
        self._select(self._scope)
        return [self._get(index) for index in range(count)]
