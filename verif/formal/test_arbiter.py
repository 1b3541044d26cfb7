"""The round-robin arbiter: proven for all times, small and as wide as a cluster's."""

import pytest
from amaranth.hdl import Array

from hw.tcdm.arbiter import RoundRobinArbiter
from verif.formal.harness import Bench, mutated, prove, reach, refuted
from verif.formal.properties import check_wait


def bench(arbiter_class, requests):
    """Fairness is shown for one symbolic requester: that is every one."""
    arbiter = arbiter_class(requests=requests)
    b = Bench(arbiter)
    grant, request = arbiter.grant, arbiter.request
    b.check("grant_implies_request", (grant & ~request) == 0)
    b.check("at_most_one_grant", (grant & (grant - 1))[:requests] == 0)
    b.check("idle_only_without_requests", request.any() == grant.any())
    b.check("winner_is_granted", ~grant.any() | ((grant >> arbiter.winner)[0]))
    b.check("no_winner_is_0", grant.any() | (arbiter.winner == 0))
    who = b.symbol(range(requests), "who")
    b.assume(who < requests)
    asking = Array(request[i] for i in range(requests))[who]
    served = Array(grant[i] for i in range(requests))[who]
    check_wait(b, "bounded_wait", asking, served, requests - 1)
    b.cover("the_last_one_wins", grant[-1])
    return b


def test_small():
    """In `make test` too."""
    prove(bench(RoundRobinArbiter, 4), "arbiter-4", depth=6)
    reach(bench(RoundRobinArbiter, 4), "arbiter-4", depth=6)


@pytest.mark.slow
@pytest.mark.parametrize("requests", [1, 2, 3, 7, 25])
def test_sizes(requests):
    """25 is the number of TCDM masters of the paper's cluster."""
    prove(bench(RoundRobinArbiter, requests), f"arbiter-{requests}", depth=requests + 2)
    reach(bench(RoundRobinArbiter, requests), f"arbiter-{requests}", depth=requests + 2)


PLANTED = [
    ("the winner stays first", "-(self.grant << 1)", "-self.grant", "bounded_wait"),
    ("always the lowest", "behind.eq(-(self.grant << 1))", "behind.eq(0)", "bounded_wait"),
    ("no lowest bit", "value & -value", "value & value", "at_most_one_grant"),
    ("an idle cycle", "Mux(preferred.any(), preferred, self.request)", "preferred", "idle_only"),
    ("a wrong number", "if i >> bit & 1", "if i >> bit", "winner_is_granted"),
]


@pytest.mark.slow
@pytest.mark.parametrize("what, old, new, fails", PLANTED, ids=[p[0] for p in PLANTED])
def test_planted(what, old, new, fails):
    broken = mutated(RoundRobinArbiter, old, new)
    assert refuted(bench(broken, 4), "arbiter-planted", depth=8).startswith(fails)
