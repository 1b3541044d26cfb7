"""Loads and dumps the banks of a Verilated scratchpad without simulating cycles."""

import ctypes

import numpy as np

from hw.config import TcdmConfig
from sw_model.tcdm import TcdmImage


class Backdoor:
    """The bytes of a `Tcdm` inside the design that this process simulates, as software sees them.

    Works in cocotb benches on Verilator, at any time: calls change memory behind the design's
    back and take a few milliseconds for a whole scratchpad.

    Parameters
    ----------
    config
        The scratchpad's configuration.
    scope
        Hierarchical name of the `Tcdm`: of the top module when that is what is tested, else e.g.
        "top.tcdm".

    Raises
    ------
    RuntimeError
        When the simulator is not Verilator, or nothing has that name.
    """

    def __init__(self, config: TcdmConfig, scope: str) -> None:
        self._config = config
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
        names = [f"{scope}.bank_{bank}.ram.words" for bank in range(config.banks)]
        self._scopes = [find(name.encode()) for name in names]
        if not all(self._scopes):
            missing = names[self._scopes.index(None)]
            raise RuntimeError(f"the design has no memory {missing}")

    def load(self, data: bytes) -> None:
        """Replace all bytes of the scratchpad."""
        for scope, words in zip(
            self._scopes, TcdmImage(self._config, data).to_banks().tolist(), strict=True
        ):
            self._select(scope)
            for row, word in enumerate(words):
                self._set(row, word)

    def dump(self) -> bytes:
        """Return all bytes of the scratchpad."""
        words = []
        for scope in self._scopes:
            self._select(scope)
            words.append([self._get(row) for row in range(self._config.bank_depth)])
        image = TcdmImage(self._config)
        image.from_banks(np.array(words, np.uint64))
        return bytes(image.bytes)
