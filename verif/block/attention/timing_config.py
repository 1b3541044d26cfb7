"""Configurations for comparisons of cycles: more banks than the engine needs."""

import dataclasses

from hw.config import ClusterConfig, TcdmConfig
from verif.lib.configs import find_config

MANY_BANKS = 128


def find_timing_config(name: str) -> ClusterConfig:
    """Return a configuration by its name; after `roomy_`, with as many banks as there may be."""
    config = find_config(name.removeprefix("roomy_"))
    if not name.startswith("roomy_"):
        return config
    tcdm = TcdmConfig(banks=MANY_BANKS, bank_bytes=config.tcdm.bytes // MANY_BANKS)
    return dataclasses.replace(config, name=name, tcdm=tcdm)
