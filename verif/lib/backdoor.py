"""Loads and dumps the banks of a Verilated scratchpad without simulating cycles."""

import numpy as np

from hw.config import TcdmConfig
from sw_model.tcdm import TcdmImage
from verif.lib.ram_backdoor import RamBackdoor


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
        self._banks = [RamBackdoor(f"{scope}.bank_{bank}.ram") for bank in range(config.banks)]

    def load(self, data: bytes) -> None:
        """Replace all bytes of the scratchpad."""
        contents = TcdmImage(self._config, data).to_banks().tolist()
        for bank, words in zip(self._banks, contents, strict=True):
            bank.write(words)

    def dump(self) -> bytes:
        """Return all bytes of the scratchpad."""
        words = [bank.read(self._config.bank_depth) for bank in self._banks]
        image = TcdmImage(self._config)
        image.from_banks(np.array(words, np.uint64))
        return bytes(image.bytes)
