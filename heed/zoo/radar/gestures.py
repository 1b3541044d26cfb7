"""Eleven gestures as movements of a hand: what a user does, a little differently every time."""

from collections.abc import Callable

import numpy as np

from heed.zoo.radar.hand import INDEX, LITTLE, MIDDLE, RING, THUMB, Pose, User

GESTURES = (
    "no hand",
    "palm hold",
    "push",
    "pull",
    "slow swipe",
    "fast swipe",
    "circle",
    "finger rub",
    "finger slide",
    "palm tilt",
    "pinch",
)

NO_HAND = GESTURES.index("no hand")


def stroke(time: np.ndarray, start: float, duration: float) -> np.ndarray:
    """Return a smooth step from 0 to 1: the minimum-jerk profile 10u^3 - 15u^4 + 6u^5.

    Parameters
    ----------
    time
        Seconds, [sweeps].
    start, duration
        Seconds.
    """
    u = np.clip((time - start) / duration, 0, 1)
    return u**3 * (10 - 15 * u + 6 * u**2)


class Instance:
    """One performance: its own timing and ways around the user's habits.

    Parameters
    ----------
    user
        Who moves.
    generator
        Decides everything that differs from time to time.
    time
        Seconds, [sweeps].
    variation
        Factor on what differs from time to time.
    """

    def __init__(
        self, user: User, generator: np.random.Generator, time: np.ndarray, variation: float
    ):
        self.user, self.generator, self.time, self.variation = user, generator, time, variation
        self.start = generator.uniform(-0.05, 0.2)
        self.speed = user.speed * self.factor(0.15)
        self.extent = user.extent * self.factor(0.15)
        self.sign = user.side_sign * (1 if generator.random() < 0.9 else -1)
        sweeps = len(time)
        place = [user.side, user.height, user.distance]
        place += variation * generator.normal(0, [0.012, 0.012, 0.012])
        self.pose = Pose(
            centre=place + self._drift(3) + self._tremor(),
            pitch=user.pitch + variation * generator.normal(0, 0.08) + self._sway(),
            roll=user.roll + variation * generator.normal(0, 0.08) + self._sway(),
            curl=np.tile(generator.uniform(0.0, 0.12, 5), (sweeps, 1)),
            shift=np.zeros((sweeps, 5, 3)),
        )

    def factor(self, spread: float) -> float:
        """Return a factor around 1, its logarithm normal with this deviation."""
        return float(np.exp(self.variation * self.generator.normal(0, spread)))

    def _drift(self, axes: int) -> np.ndarray:
        """Return slow wandering in metres, [sweeps, axes]: a speed and two slow swings."""
        u = self.generator
        way = self.time[:, None] * u.normal(0, 0.006, axes)
        for rate in u.uniform(0.4, 2.0, 2):
            way = way + u.normal(0, 0.0012, axes) * np.sin(
                2 * np.pi * (rate * self.time[:, None] + u.random(axes))
            )
        return self.variation * way

    def _tremor(self) -> np.ndarray:
        u = self.generator
        rate = self.user.tremor_rate * u.normal(1, 0.05)
        size = self.user.tremor * u.normal(1, 0.3, 3)
        return size * np.sin(2 * np.pi * (rate * self.time[:, None] + u.random(3)))

    def _sway(self) -> np.ndarray:
        u = self.generator
        size = self.variation * u.normal(0, 0.02)
        return size * np.sin(2 * np.pi * (u.uniform(0.3, 1.5) * self.time + u.random()))

    def stroke(self, duration: float, delay: float = 0.0) -> np.ndarray:
        """Return a smooth step that takes `duration` seconds at speed 1, [sweeps]."""
        return stroke(self.time, self.start + delay / self.speed, duration / self.speed)

    def make_fist(self, amount: float = 1.0) -> None:
        """Curl the three fingers that a gesture of thumb and index does not use."""
        own = 0.35 + 0.5 * self.user.habit[0]
        self.pose.curl[:, [MIDDLE, RING, LITTLE]] = amount * own * self.factor(0.15)
        self.pose.curl[:, INDEX] = 0.25 * self.factor(0.2)
        # The thumb lies across, over the index finger.
        self.pose.shift[:, THUMB] = [0.022, 0.022, -0.012]


def _palm_hold(it: Instance) -> None:
    """The hand stays where it is."""


def _radial(it: Instance, direction: int) -> None:
    """To the sensors or away, with some way to the side."""
    way = 0.055 * it.extent * direction
    s = it.stroke(0.62) - 0.5
    it.pose.centre[:, 2] += way * s
    lean = 0.5 * (it.user.habit[1] - 0.5) + 0.12 * it.generator.normal()
    it.pose.centre[:, 1] += lean * way * s
    it.pose.pitch += 0.25 * (it.user.habit[2] - 0.5) * s


def _swipe(it: Instance, way: float, duration: float) -> None:
    """Across both sensors on a shallow arc."""
    s = it.stroke(duration) - 0.5
    x = way * it.extent * it.sign * s
    it.pose.centre[:, 0] += x
    it.pose.centre[:, 1] += x * 0.3 * (it.user.habit[1] - 0.5)
    it.pose.centre[:, 2] += (0.4 + 1.6 * it.user.habit[2]) * x**2
    it.pose.roll += 2.5 * (it.user.habit[3] - 0.3) * x


def _circle(it: Instance) -> None:
    """A circle, in a plane between frontal and horizontal."""
    radius = 0.022 * it.extent
    turns = 1.0 + 0.5 * it.user.habit[1]
    s = it.stroke(0.85)
    angle = it.sign * 2 * np.pi * turns * s + 2 * np.pi * it.user.habit[2]
    angle = angle + 0.4 * it.generator.normal()
    tilt = np.pi / 2 * (0.25 + 0.6 * it.user.habit[3]) + 0.1 * it.generator.normal()
    it.pose.centre[:, 0] += radius * np.cos(angle)
    it.pose.centre[:, 1] += radius * np.sin(angle) * np.cos(tilt)
    it.pose.centre[:, 2] += radius * np.sin(angle) * np.sin(tilt)


def _finger_rub(it: Instance) -> None:
    """The thumb's tip rubs the index finger's, back and forth; the palm does not move."""
    it.make_fist()
    rate = (2.6 + 1.6 * it.user.habit[4]) * it.speed
    begin = it.stroke(0.15)
    swing = np.sin(2 * np.pi * (rate * it.time + it.generator.random())) * begin
    size = 0.008 * it.extent
    lead = np.array([0.8, 0.5 * it.user.habit[5], 0.5])
    it.pose.shift[:, THUMB] += size * swing[:, None] * lead
    it.pose.shift[:, INDEX] -= 0.6 * size * swing[:, None] * lead


def _finger_slide(it: Instance) -> None:
    """The thumb slides along the index finger, once, sometimes there and back."""
    it.make_fist()
    way = 0.032 * it.extent * (1 if it.generator.random() < 0.8 else -1)
    s = it.stroke(0.5)
    if it.generator.random() < 0.3:
        s = s - it.stroke(0.45, 0.55)
    along = np.array([0.25, 0.75, 0.45 + 0.4 * it.user.habit[5]])
    it.pose.shift[:, THUMB] += way * (s - 0.5)[:, None] * along
    it.pose.curl[:, INDEX] += 0.1 * s


def _palm_tilt(it: Instance) -> None:
    """The hand turns about its own axis and mostly back."""
    angle = (0.45 + 0.25 * it.user.habit[1]) * it.extent * it.sign
    s = it.stroke(0.4) - (it.stroke(0.4, 0.45) if it.generator.random() < 0.75 else 0)
    about = 0.5 * np.pi * (it.user.habit[2] > 0.5) + 0.15 * it.generator.normal()
    it.pose.roll += angle * s * np.cos(about)
    it.pose.pitch += angle * s * np.sin(about)


def _pinch(it: Instance) -> None:
    """Thumb and index finger close and open, once or twice, the other fingers stay straight."""
    gap = 0.026 * it.extent
    s = it.stroke(0.16) - it.stroke(0.18, 0.22)
    if it.generator.random() < 0.35 + 0.3 * it.user.habit[5]:
        s = s + it.stroke(0.16, 0.46) - it.stroke(0.18, 0.68)
    it.pose.curl[:, INDEX] += 0.18 + 0.22 * s
    it.pose.curl[:, [MIDDLE, RING, LITTLE]] += 0.25 * it.user.habit[0]
    it.pose.shift[:, THUMB] += gap * s[:, None] * [0.7, 0.5, -0.7]


MOVES: tuple[Callable[[Instance], None], ...] = (
    _palm_hold,
    _palm_hold,
    lambda it: _radial(it, -1),
    lambda it: _radial(it, 1),
    lambda it: _swipe(it, 0.075, 1.0),
    lambda it: _swipe(it, 0.13, 0.42),
    _circle,
    _finger_rub,
    _finger_slide,
    _palm_tilt,
    _pinch,
)


def perform(
    gesture: int,
    user: User,
    generator: np.random.Generator,
    time: np.ndarray,
    variation: float = 1.0,
) -> Pose:
    """Return the hand of a user over time; for "no hand" it is there too, the caller leaves it out.

    Parameters
    ----------
    gesture
        Index into GESTURES.
    time
        Seconds, [sweeps].
    variation
        Factor on what differs from time to time; 0 leaves the timing only.
    """
    it = Instance(user, generator, time, variation)
    MOVES[gesture](it)
    it.pose.centre[:, 2] = np.maximum(it.pose.centre[:, 2], 0.06)
    return it.pose
