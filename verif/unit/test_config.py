"""Configurations: every bad value is refused by name, derived sizes are right."""

import dataclasses

import pytest

from hw.config import (
    CORE_GROUPS,
    ClusterConfig,
    ConfigError,
    CoreConfig,
    EngineConfig,
    TcdmConfig,
)
from hw.presets import PAPER, PRESETS, TINY, preset


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TcdmConfig(banks=12), "tcdm.banks is 12, but must be a power of two"),
        (lambda: TcdmConfig(banks=1), "tcdm.banks is 1, but must be an integer from 2"),
        (lambda: TcdmConfig(bank_bytes=100), "tcdm.bank_bytes is 100"),
        (lambda: TcdmConfig(banks=128, bank_bytes=65536), "tcdm.banks \\* tcdm.bank_bytes is"),
        (lambda: EngineConfig(units=32, lanes=16), "engine.units is 32, but must not exceed"),
        (lambda: EngineConfig(lanes=24), "engine.lanes is 24"),
        (lambda: EngineConfig(queue_depth=2), "engine.queue_depth is 2"),
        (lambda: CoreConfig(m=1), "core.m is 1, but must be a bool"),
        (lambda: CoreConfig(xcv_simd=None), "core.xcv_simd is None, but must be a bool"),
        (lambda: CoreConfig(event_counters=9), "core.event_counters is 9, .* from 0 to 8"),
        (lambda: CoreConfig(event_counters=True), "core.event_counters is True"),
        (lambda: CoreConfig.of("m", "xcv"), "no extension is called xcv; there are: m, a, xcv_alu"),
        (lambda: ClusterConfig(workers=0), "workers is 0, but must be an integer from 1 to 16"),
        (lambda: ClusterConfig(workers=True), "workers is True"),
        (lambda: ClusterConfig(workers=16), "workers \\+ control_core is 17"),
        (lambda: ClusterConfig(workers="8"), "workers is '8'"),
        (lambda: ClusterConfig(main_bytes=3 << 20), "main_bytes is 3145728"),
        (lambda: ClusterConfig(name="a b"), "name is 'a b'"),
        (lambda: ClusterConfig(name=3), "name is 3"),
    ],
)
def test_bad_value_is_refused_by_name(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_configurations_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TINY.workers = 4


def test_paper_is_the_machine_of_the_papers():
    assert (PAPER.harts, PAPER.engine.macs, PAPER.engine.ports) == (9, 1024, 16)
    assert (PAPER.tcdm.bytes, PAPER.tcdm.bank_depth) == (128 * 1024, 512)
    assert (PAPER.engine.tile, PAPER.engine.groups) == (64, 4)


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_derived_sizes_agree(config):
    assert 1 << config.tcdm.addr_width == config.tcdm.bytes
    assert 1 << config.tcdm.row_bits == config.tcdm.bank_depth
    assert config.engine.groups * config.engine.units == config.engine.tile
    assert config.harts == config.workers + config.control_core


def test_extensions_of_a_core():
    assert CoreConfig().groups == CORE_GROUPS
    assert CoreConfig.of().groups == () and not CoreConfig.of().xcv
    assert CoreConfig.of("a", "m", event_counters=0) == CoreConfig.of("m", "a", event_counters=0)
    for name in CORE_GROUPS:
        core = CoreConfig.of(name)
        assert core.groups == (name,) and getattr(core, name)
        assert core.xcv == name.startswith("xcv_")


def test_hash_changes_with_every_field_but_the_name():
    renamed = dataclasses.replace(PAPER, name="other")
    assert renamed.hash == PAPER.hash
    for change in (
        {"workers": 4},
        {"control_core": False},
        {"engine": TINY.engine},
        {"core": CoreConfig.of()},
    ):
        assert dataclasses.replace(PAPER, **change).hash != PAPER.hash


def test_preset_is_found_in_any_case_and_missed_by_name():
    assert preset("Tiny") is TINY
    with pytest.raises(ConfigError, match="no preset is called 'huge'; there are: tiny, paper"):
        preset("huge")
