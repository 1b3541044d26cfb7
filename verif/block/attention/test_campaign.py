"""The campaign of random jobs: a short one, a long one that covers everything, and how it fails."""

import pytest

from hw.attention.datapath.epilogue import Epilogue
from hw.bench.engine_top import EngineTop
from hw.presets import TINY
from verif.block.attention import campaign
from verif.block.attention.campaign import Mismatch, main, run_campaign
from verif.lib.configs import BETWEEN, SIZES, find_config
from verif.lib.planted import plant


def test_a_short_campaign():
    outcome = run_campaign("tiny", 300, seed=20)
    assert outcome.jobs >= 300 and outcome.cleared > 0
    print(outcome.coverage.report())


def test_the_command_tells_what_is_missing(capsys):
    assert main(["--jobs", "40", "--seed", "5"]) == 1
    printed = capsys.readouterr().out
    assert "never: " in printed and "no mismatch, no hang" in printed


def test_one_round_repeats_by_itself():
    assert run_campaign("tiny", 40, seed=5, only=3).rounds == 1


@pytest.mark.slow
def test_the_campaign_covers_everything():
    assert main([]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BETWEEN, *SIZES])
def test_engines_of_every_size(name):
    jobs = 1500 if find_config(name).engine.lanes == 16 else 300
    assert run_campaign(name, jobs, seed=21).jobs >= jobs


@pytest.mark.slow
def test_a_planted_bug_ends_it(monkeypatch):
    """A table that is freed before its last look-up: rare, and only where jobs overlap."""
    monkeypatch.setattr(campaign, "engine", lambda name: EngineTop(config=TINY))
    plant(
        monkeypatch,
        Epilogue,
        "elaborate",
        "self.table_release.eq((finish & summed",
        "self.table_release.eq((joined.valid & joined",
    )
    with pytest.raises(Mismatch, match="--only"):
        run_campaign("tiny", 4000, seed=1)
