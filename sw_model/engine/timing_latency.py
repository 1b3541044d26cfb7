"""Cycles that the engine's parts take: the constants of the cycle model, all of them.

Each is the component's own (its docstring's Timing section). `verif/block/attention/test_timing.py`
compares what they add up to with the RTL: with `pytest -s` it prints every comparison.
"""

LONG_AGO = -100
"""A cycle before all others."""

NEVER = 1 << 60
"""A cycle after all others."""

READ = 3
"""Reader: from a row's command to its answer (request, bank, row put together)."""

TILE = 3
"""Exponential (2) and tile buffer: from an input row's answer to the cycle it may be issued."""

SHADOW = 1
"""Weight loader: from the last row of a group to `full`."""

ARRAY = 4
"""Issue, array, accumulator (2): from a row's issue to its sums at the epilogue."""

SUMMED = 3
"""From a row's issue to the cycle in which the accumulator has done with it."""

EPILOGUE = 4
"""Epilogue: from sums to results at the writer."""

PORTS = 1
"""Writer: from an output row to its words at the ports."""

PERFORMED = 2
"""Port and fence: from words at the ports to gates that know them performed."""

ENTRY = 1
"""Parameter unit: from an answer to `filled`."""

MASS = 13
"""Exponential (5), reciprocal (7), `filled`: from a logits row's answer to its entry."""

TABLE_RELEASE = 2
"""Epilogue: from a table's last row to the cycle in which its bank is released."""

UNPACK = 1
"""Element loader: from an answer to N elements at its output."""

NORMALISE = 4
"""Normalise: from elements to the epilogue."""

STATISTICS = 3
"""Statistics: from a row's last elements to its sums; one more with more than 8 units."""

VARIANCE, ROOT, DIVIDE = 9, 10, 9
"""Stages of Root: cycles that a row spends in each of them."""

FETCH = 2
"""Fetch: from a doorbell, when nothing runs, to the first command of the descriptor."""

CHECK = 3
"""Checker: from the last word's registers to the offer of the job, besides one for each area."""

STATUS = 4
"""Completion: from the last write that is performed to the event, with a status word between."""

EVENT = 1
"""Completion: the same without status word."""

STEPS_WAITING = 2
"""Steps in each queue between the walker and a unit."""

ELEMENT_ROWS = 16
"""Rows of words that an element loader has asked for or keeps."""

WEIGHT_ROWS = 8
"""Fewest rows that the weight loader asks for ahead; it is as many as there are units."""

PARAMETER_STEPS = 4
"""Loads of parameters whose words are on their way."""

JOBS_INSIDE = 4
"""Jobs that were begun and have not ended."""

NORM_ROWS = 12
"""Largest row block of LayerNorm."""

TABLE_WORDS = 32
"""Words of an activation table, read one by one."""
