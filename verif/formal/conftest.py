"""Proofs run where their tools are installed (make formal does that)."""

import pytest

from verif.formal.harness import missing_tools


@pytest.fixture(autouse=True, scope="session")
def formal_tools():
    if missing := missing_tools():
        pytest.skip(f"{', '.join(missing)} not found; make formal installs what proofs need")
