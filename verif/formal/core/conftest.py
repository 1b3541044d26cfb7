"""Tests of the expectations need no solver; those that do ask for `solver_tools`."""

import pytest

from verif.formal.core.solver import missing_tools


@pytest.fixture(autouse=True, scope="session")
def formal_tools():
    """In place of the one for the other proofs, which needs their solver."""


@pytest.fixture(scope="session")
def solver_tools():
    if missing := missing_tools():
        pytest.skip(f"{', '.join(missing)} not found; make formal-core installs what proofs need")
