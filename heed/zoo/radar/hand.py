"""A hand as point scatterers: who it belongs to, and where its points are in a pose.

Axes of the room: x to the right, y up, z away from the sensors, in metres. Axes of the hand:
x across the palm, y along the straight fingers, -z out of the palm. In the neutral pose they agree.
"""

from dataclasses import dataclass, field

import numpy as np

THUMB, INDEX, MIDDLE, RING, LITTLE = range(5)

#: Joints' share of a full curl, in radians for curl 1, from the palm outward.
BEND = np.array([1.1, 2.4, 3.1])
#: Length of the three segments of a finger, as shares of its length.
SEGMENTS = np.array([0.45, 0.3, 0.25])
#: Root of each finger on the palm: shares of its width and length from the centre.
ROOTS = np.array([[-0.52, -0.25], [-0.36, 0.5], [-0.12, 0.52], [0.12, 0.5], [0.36, 0.44]])
#: Angle of each straight finger from the hand's y axis, in radians.
SPLAY = np.array([-0.75, -0.12, 0.0, 0.1, 0.22])
#: Exponent of the cosine between the palm's normal and the way to the sensors.
GLOSS = 6.0


@dataclass(frozen=True)
class User:
    """What is the same whenever a user moves.

    Parameters
    ----------
    width, length
        Of the palm in metres.
    fingers
        Lengths in metres from the thumb to the little finger, [5].
    speed
        Factor on every speed.
    extent
        Factor on every way.
    distance, side, height
        Habitual place of the palm's centre: z, x and y in metres.
    pitch, roll
        Habitual turn of the hand about x and y in radians.
    tremor, tremor_rate
        Amplitude in metres and frequency in Hz.
    palm, finger
        Reflectivity of the whole palm and of a fingertip.
    side_sign
        1 or -1: the handedness, which mirrors x.
    habit
        0..1 each: shares by which trajectories differ from user to user, [6].
    grain
        Places and strengths of the palm's scatterers, [8, 4].
    """

    width: float
    length: float
    fingers: np.ndarray = field(repr=False)
    speed: float
    extent: float
    distance: float
    side: float
    height: float
    pitch: float
    roll: float
    tremor: float
    tremor_rate: float
    palm: float
    finger: float
    side_sign: int
    habit: np.ndarray = field(repr=False)
    grain: np.ndarray = field(repr=False)


def draw_user(generator: np.random.Generator) -> User:
    """Return a user, drawn by chance."""
    size = generator.normal(1.0, 0.09)
    lengths = np.array([0.060, 0.070, 0.078, 0.073, 0.058])
    return User(
        width=0.080 * size * generator.normal(1, 0.04),
        length=0.095 * size * generator.normal(1, 0.04),
        fingers=lengths * size * generator.normal(1, 0.05, 5),
        speed=float(np.exp(generator.normal(0, 0.2))),
        extent=float(np.exp(generator.normal(0, 0.15))),
        distance=generator.uniform(0.13, 0.22),
        side=generator.normal(0, 0.012),
        height=generator.normal(-0.02, 0.015),
        pitch=generator.normal(0, 0.13),
        roll=generator.normal(0, 0.13),
        tremor=float(np.exp(generator.normal(np.log(0.12e-3), 0.5))),
        tremor_rate=generator.uniform(7, 12),
        palm=float(np.exp(generator.normal(0, 0.25))),
        finger=0.22 * float(np.exp(generator.normal(0, 0.25))),
        side_sign=int(generator.choice([-1, 1], p=[0.15, 0.85])),
        habit=generator.random(6),
        grain=generator.random((8, 4)),
    )


@dataclass
class Pose:
    """A hand over time.

    Parameters
    ----------
    centre
        Centre of the palm in metres, [sweeps, 3].
    pitch, roll
        Turn about x, then about y, in radians, [sweeps].
    curl
        0 (straight) to 1 (a fist) of each finger, [sweeps, 5].
    shift
        What is added to the outer two points of a finger, hand axes, metres, [sweeps, 5, 3];
        the inner point takes half of it.
    """

    centre: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray
    curl: np.ndarray
    shift: np.ndarray


def scatterers(user: User, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Return positions [sweeps, 25, 3] in metres and reflectivities [sweeps, 25].

    8 points of the palm, 3 a finger, 2 of the wrist. The palm is a glossy plate: it reflects
    less when it does not face the sensors. Fingers and wrist reflect alike to all sides.
    """
    sweeps = len(pose.centre)
    palm = (user.grain[:, :3] - 0.5) * [user.width, user.length, 0.012]
    wrist = np.array([[-0.015, -0.65 * user.length, 0.004], [0.015, -0.9 * user.length, 0.008]])
    fixed = np.broadcast_to(np.concatenate([palm, wrist]), (sweeps, 10, 3))

    bend = pose.curl[..., None] * BEND  # [sweeps, fingers, joints]
    direction = np.stack(
        [
            np.cos(bend) * np.sin(SPLAY)[:, None],
            np.cos(bend) * np.cos(SPLAY)[:, None],
            -np.sin(bend),
        ],
        -1,
    )
    steps = direction * (user.fingers[:, None] * SEGMENTS)[..., None]
    joints = np.cumsum(steps, axis=2)
    joints[..., :2] += (ROOTS * [user.width, user.length])[:, None]
    joints += pose.shift[:, :, None] * np.array([0.5, 1.0, 1.0])[:, None]

    points = np.concatenate([fixed, joints.reshape(sweeps, 15, 3)], 1)
    points = points * [user.side_sign, 1, 1]
    x, y, z = np.moveaxis(points, -1, 0)
    cos, sin = np.cos(pose.pitch)[:, None], np.sin(pose.pitch)[:, None]
    y, z = y * cos - z * sin, y * sin + z * cos
    cos, sin = np.cos(pose.roll)[:, None], np.sin(pose.roll)[:, None]
    x, z = x * cos + z * sin, z * cos - x * sin
    positions = np.stack([x, y, z], -1) + pose.centre[:, None]

    toward = pose.centre / np.linalg.norm(pose.centre, axis=-1, keepdims=True)
    level = np.cos(pose.pitch)  # the palm's normal, turned back to front
    normal = [level * np.sin(pose.roll), -np.sin(pose.pitch), level * np.cos(pose.roll)]
    normal = np.stack(normal, -1)
    gloss = np.maximum((normal * toward).sum(-1), 0) ** GLOSS
    shares = 0.4 + user.grain[:, 3]
    strength = np.concatenate(
        [
            user.palm * shares / shares.sum() * gloss[:, None],
            np.full((sweeps, 2), 0.5 * user.finger),
            np.tile(user.finger * np.array([0.5, 0.6, 1.0]), (sweeps, 5)),
        ],
        1,
    )
    return positions, strength
