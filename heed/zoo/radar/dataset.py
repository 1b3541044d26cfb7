"""The synthetic data set: who is in which split, and one sequence from its number.

Everything follows from (seed, user, gesture, index): a sequence can be made alone, in any order.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from heed.zoo.radar.frames import FRAMES, SWEEPS, quantise, range_doppler
from heed.zoo.radar.gestures import GESTURES, NO_HAND, perform
from heed.zoo.radar.hand import User, draw_user, scatterers
from heed.zoo.radar.physics import RADAR, clutter, echoes, noise, phase_noise

SEED = 0

#: Users of each split. Training learns from the first, every choice is made on the second,
#: the third serve nothing but the accuracy that is reported.
USERS = {"training": range(0, 36), "validation": range(36, 44), "test": range(44, 52)}
#: Sequences a user and gesture.
REPEATS = {"training": 12, "validation": 5, "test": 4}

#: Root mean square of the receiver noise of a sweep's bin.
NOISE = 0.02
#: Standard deviation of the oscillator's phase from sweep to sweep, radians.
PHASE_NOISE = 0.01
#: Amplitudes of typical still reflectors and of the leakage.
CLUTTER, LEAKAGE = 0.08, 0.3
#: Factor on what differs from one performance of a gesture to the next.
VARIATION = 1.0

_USERS, _SEQUENCES = 0, 1


def user(seed: int, number: int) -> User:
    """Return the user of this number."""
    return draw_user(np.random.default_rng([seed, _USERS, number]))


def baseband(seed: int, number: int, gesture: int, index: int) -> np.ndarray:
    """Return the sweeps of one sequence, complex64 [160, 492, 2].

    Parameters
    ----------
    seed
        Of the data set.
    number
        Of the user.
    gesture
        Index into GESTURES.
    index
        Which of the performances.
    """
    generator = np.random.default_rng([seed, _SEQUENCES, number, gesture, index])
    count = FRAMES * SWEEPS
    time = np.arange(count) / RADAR.rate
    who = user(seed, number)
    sweeps = np.broadcast_to(clutter(RADAR, generator, CLUTTER, LEAKAGE), (count, RADAR.bins, 2))
    pose = perform(gesture, who, generator, time, VARIATION)
    if gesture != NO_HAND:
        sweeps = sweeps + echoes(RADAR, *scatterers(who, pose))
    sweeps = sweeps * phase_noise(RADAR, generator, count, PHASE_NOISE)
    return sweeps + noise(RADAR, generator, count, NOISE)


def sequence(seed: int, number: int, gesture: int, index: int) -> np.ndarray:
    """Return one sequence as the networks read it, int8 [5, 32, 492, 2].

    Axes: frames, Doppler, range, sensors. Parameters as in `baseband`.
    """
    return quantise(range_doppler(baseband(seed, number, gesture, index)))


def plan(split: str) -> list[tuple[int, int, int]]:
    """Return (user, gesture, index) of every sequence of a split."""
    return [
        (number, gesture, index)
        for number in USERS[split]
        for index in range(REPEATS[split])
        for gesture in range(len(GESTURES))
    ]


def load_split(
    split: str,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences int8 [N, 5, 32, 492, 2] and gestures [N] of a split.

    Parameters
    ----------
    split
        "training", "validation" or "test".
    cache
        Folder in which the sequences are kept; without it they are made anew.
    progress
        Called with a line of text now and then.
    """
    items = plan(split)
    labels = np.array([gesture for _, gesture, _ in items])
    file = cache / f"{split}.npy" if cache else None
    if file and file.exists():
        return np.load(file), labels
    sequences = np.empty((len(items), FRAMES, SWEEPS, RADAR.bins, len(RADAR.sensors)), np.int8)
    for i, item in enumerate(items):
        sequences[i] = sequence(SEED, *item)
        if (i + 1) % 500 == 0:
            progress(f"{split}: {i + 1} of {len(items)} sequences")
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, sequences)
    return sequences, labels
