"""Configurations for comparisons of cycles: more banks than the engine needs."""

import dataclasses

from hw.config import ClusterConfig, TcdmConfig
from verif.lib.configs import find_config

MOST_BANKS, LEAST_BYTES = 128, 512


def find_timing_config(name: str) -> ClusterConfig:
    """Return a configuration by its name; after `roomy_`, with as many banks as there may be."""
    config = find_config(name.removeprefix("roomy_"))
    if not name.startswith("roomy_"):
        return config
    banks = min(MOST_BANKS, config.tcdm.bytes // LEAST_BYTES)
    tcdm = TcdmConfig(banks=banks, bank_bytes=config.tcdm.bytes // banks)
    return dataclasses.replace(config, name=name, tcdm=tcdm)
