"""The synthetic radar gestures: physics, users, frames, and the two networks in float."""

import numpy as np
import pytest

from heed.zoo.radar import augment, cnn_tcn, dataset, layers, transformer
from heed.zoo.radar.data import NETWORKS, load_weights
from heed.zoo.radar.frames import FRAMES, SWEEPS, quantise, range_doppler
from heed.zoo.radar.gestures import GESTURES, perform, stroke
from heed.zoo.radar.hand import draw_user, scatterers
from heed.zoo.radar.physics import RADAR, clutter, echoes, noise

VALIDATION = dataset.USERS["validation"]
TIME = np.arange(SWEEPS) / RADAR.rate


def point(distance: np.ndarray, sensor: int = 0, reflectivity: float = 1.0) -> np.ndarray:
    """Return the sweeps of a point straight before a sensor at these distances."""
    ahead = np.array(RADAR.sensors[sensor]) + np.outer(distance, [0, 0, 1])
    return echoes(RADAR, ahead[:, None], np.array([reflectivity]))


@pytest.mark.parametrize("distance", [0.1, 0.1534, 0.27])
@pytest.mark.parametrize("sensor", [0, 1])
def test_a_point_peaks_in_the_bin_of_its_range(distance, sensor):
    sweep = point(np.full(1, distance), sensor)[0, :, sensor]
    expected = (distance - RADAR.first) / RADAR.step
    assert abs(np.abs(sweep).argmax() - expected) <= 1


def test_the_other_sensor_sees_it_farther_off():
    sweep = np.abs(point(np.full(1, 0.12))[0])
    slant = np.hypot(0.12, RADAR.sensors[1][0] - RADAR.sensors[0][0])
    expected = (slant - RADAR.first) / RADAR.step
    assert abs(sweep[:, 1].argmax() - expected) <= 1
    assert sweep[:, 1].max() < sweep[:, 0].max()


def test_amplitude_falls_with_the_square_of_the_distance():
    near, far = (np.abs(point(np.full(1, r))[0, :, 0]).max() for r in (0.12, 0.24))
    assert near / far == pytest.approx(4, rel=0.01)
    assert np.abs(point(np.full(1, RADAR.reference))).max() == pytest.approx(1, rel=0.01)


def test_phase_turns_once_in_half_a_wavelength():
    r = 0.15 + RADAR.wavelength * np.array([0, 1 / 8, 1 / 4, 1 / 2])
    phase = np.angle(point(r)[:, 165, 0])
    turned = np.exp(1j * (phase - phase[0]))
    np.testing.assert_allclose(turned, [1, -1j, -1, 1], atol=0.01)


@pytest.mark.parametrize("speed", [-0.15, -0.05, 0.025, 0.1])
def test_radial_speed_gives_the_doppler_row_and_its_sign(speed):
    """Speed is dr/dt: what comes nearer has negative speed and rows above the middle."""
    frame = range_doppler(point(0.16 + speed * TIME))[0, :, :, 0]
    row, _ = np.unravel_index(frame.argmax(), frame.shape)
    shift = -2 * speed / RADAR.wavelength  # Hz
    assert row == round(SWEEPS // 2 + shift / RADAR.rate * SWEEPS)


def test_speed_beyond_the_limit_comes_back_on_the_other_side():
    speeds = 0.15, 0.15 - 2 * RADAR.fastest
    rows = [range_doppler(point(0.16 + v * TIME))[0, :, :, 0].max(1).argmax() for v in speeds]
    assert rows[0] == rows[1] < SWEEPS // 2


def test_clutter_has_no_speed():
    still = clutter(RADAR, np.random.default_rng(0), 0.1, 0.3)
    frame = range_doppler(np.broadcast_to(still, (SWEEPS, *still.shape)))[0]
    energy = (frame**2).sum((1, 2))
    middle = SWEEPS // 2
    assert energy.argmax() == middle
    assert energy[middle - 1 : middle + 2].sum() > 0.999 * energy.sum()


def test_noise_has_its_deviation_everywhere_and_the_pulse_s_width():
    values = noise(RADAR, np.random.default_rng(0), 4000, 0.5)
    np.testing.assert_allclose((np.abs(values) ** 2).mean((0, 2)) ** 0.5, 0.5, rtol=0.05)
    apart = round(RADAR.pulse / RADAR.step)
    for bins, expected in ((apart, np.exp(-1 / 4)), (4 * apart, np.exp(-4))):
        product = (values[:, 100].conj() * values[:, 100 + bins]).mean() / 0.25
        assert product.real == pytest.approx(expected, abs=0.03)
    later = (values[:-1, 100].conj() * values[1:, 100]).mean() / 0.25
    assert abs(later) < 0.05


def hand_frames(gesture: str, variation: float = 0.0) -> np.ndarray:
    """Return noiseless frames [5, 32, 492, 2] of a hand that differs from habit by `variation`."""
    who = dataset.user(0, 0)
    time = np.arange(FRAMES * SWEEPS) / RADAR.rate
    index = GESTURES.index(gesture)
    pose = perform(index, who, np.random.default_rng(3), time, variation)
    return range_doppler(echoes(RADAR, *scatterers(who, pose)))


def centroid(frames: np.ndarray) -> np.ndarray:
    """Return the mean range bin of each frame's energy."""
    energy = (frames**2).sum((1, 3))
    return energy @ np.arange(RADAR.bins) / energy.sum(1)


def test_push_comes_nearer_and_pull_goes_away():
    push, pull = centroid(hand_frames("push")), centroid(hand_frames("pull"))
    assert push[0] - push[-1] > 40 and pull[-1] - pull[0] > 40


@pytest.mark.parametrize(("gesture", "sign"), [("push", 1), ("pull", -1)])
def test_the_start_of_a_push_is_above_the_middle(gesture, sign):
    """Before the speed passes what is unambiguous, the sign shows."""
    who = dataset.user(0, 0)
    pose = perform(
        GESTURES.index(gesture), who, np.random.default_rng(3), np.arange(160) / 800, 0.0
    )
    r = pose.centre[:, 2]
    speed = np.gradient(r, 1 / 800)
    slow = (np.abs(speed) > 0.3 * RADAR.fastest) & (np.abs(speed) < 0.7 * RADAR.fastest)
    assert slow.any() and (np.sign(speed[slow]) == -sign).all()
    frame = range_doppler(point(r[slow.argmax()] + speed[slow][0] * TIME))[0, :, :, 0]
    assert np.sign(frame.max(1).argmax() - SWEEPS // 2) == sign


def test_a_held_palm_is_slower_than_a_swipe():
    def spread(frames):
        energy = (frames**2).sum((0, 2, 3))
        away = (np.arange(SWEEPS) - SWEEPS // 2) ** 2
        return energy @ away / energy.sum()

    assert spread(hand_frames("palm hold")) < 1.0 < 5.0 < spread(hand_frames("fast swipe"))


def test_stroke_is_a_smooth_step():
    s = stroke(np.linspace(-1, 2, 301), 0.0, 1.0)
    assert s[0] == 0 and s[-1] == 1 and s[150] == pytest.approx(0.5)
    assert (np.diff(s) >= 0).all()


def test_quantisation_is_a_quarter_decibel_and_clips():
    level = 10 ** (-30 / 20)
    steps = quantise(np.array([level, level * 10 ** (0.5 / 20), 0.0, 1e9]))
    assert steps[1] - steps[0] == 2
    assert steps[2] == -128 and steps[3] == 127 and steps.dtype == np.int8


def test_a_sequence_follows_from_its_numbers_alone():
    first, again = dataset.sequence(0, 3, 2, 1), dataset.sequence(0, 3, 2, 1)
    np.testing.assert_array_equal(first, again)
    assert first.shape == (FRAMES, SWEEPS, RADAR.bins, 2) and first.dtype == np.int8
    for other in ((1, 3, 2, 1), (0, 4, 2, 1), (0, 3, 3, 1), (0, 3, 2, 2)):
        assert (dataset.sequence(*other) != first).mean() > 0.5


def test_sequences_use_the_range_of_int8():
    values = np.stack(
        [dataset.sequence(0, VALIDATION[1], gesture, 0) for gesture in range(len(GESTURES))]
    )
    assert (values == -128).mean() < 0.15 and (values == 127).mean() < 0.001
    assert len(np.unique(values)) > 200


def test_users_are_split_without_overlap():
    numbers = [set(users) for users in dataset.USERS.values()]
    assert sum(map(len, numbers)) == len(set.union(*numbers))
    plans = {split: set(dataset.plan(split)) for split in dataset.USERS}
    for split, items in plans.items():
        assert len(items) == len(dataset.USERS[split]) * dataset.REPEATS[split] * len(GESTURES)
        assert {user for user, _, _ in items} == set(dataset.USERS[split])
        assert {gesture for _, gesture, _ in items} == set(range(len(GESTURES)))


def test_users_differ_and_stay_themselves():
    everyone = [dataset.user(0, number) for users in dataset.USERS.values() for number in users]
    for name in ("width", "speed", "distance", "tremor", "palm"):
        assert len({getattr(user, name) for user in everyone}) == len(everyone)
    again = dataset.user(0, 7)
    assert again.speed == everyone[7].speed and (again.grain == everyone[7].grain).all()


def test_a_hand_has_its_size():
    user = draw_user(np.random.default_rng(1))
    pose = perform(1, user, np.random.default_rng(1), np.zeros(1), 0.0)
    pose.curl[:] = 0
    points, strength = scatterers(user, pose)
    reach = np.linalg.norm(points[0, 10:] - pose.centre[0], axis=-1).max()
    assert 0.4 * user.length + user.fingers.max() < reach < 0.8 * user.length + user.fingers.max()
    assert (strength >= 0).all() and strength.shape == (1, 25)


def test_augmentation_moves_all_frames_alike():
    sequence = dataset.sequence(0, 0, 2, 0)[None]
    changed = augment.augment(np.repeat(sequence, 20, 0), np.random.default_rng(0))
    moves = set()
    for one in changed.astype(int):
        found = None
        for by in range(-augment.SHIFT, augment.SHIFT + 1):
            for plain in (sequence[0], sequence[0, ..., ::-1]):
                level = one[:, :, 200] - plain[:, :, 200 - by].astype(int)
                inside = np.abs(one[:, :, 200]) < 100
                if np.ptp(level[inside]) == 0:
                    found = by, level[inside][0]
                    back = one[:, :, 40:450] - plain[:, :, 40 - by : 450 - by].astype(int)
                    assert (back[np.abs(one[:, :, 40:450]) < 100] == found[1]).all()
        assert found and abs(found[1]) <= augment.LEVEL
        moves.add(found[0])
    assert len(moves) > 10


@pytest.mark.parametrize(("name", "parameters"), [("cnn_tcn", 45_723), ("transformer", 239_616)])
def test_parameter_counts_and_shapes(name, parameters):
    weights = load_weights(name)
    shapes = NETWORKS[name].parameter_shapes()
    assert {key: value.shape for key, value in weights.items()} == shapes
    assert sum(value.size for value in weights.values()) == parameters


def test_multiply_accumulates_match_the_values_computed():
    """A layer's count is what its outputs cost each, before pooling."""
    counts = cnn_tcn.multiply_accumulates()
    assert counts["conv1"] == 5 * 32 * 492 * 16 * 3 * 5 * 2
    assert counts["conv3"] == 5 * 3 * 19 * 64 * 7 * 32
    assert transformer.multiply_accumulates()["embed"] == 5 * 32 * 492 * 2 * 64


def test_convolution_is_the_sum_over_its_window():
    generator = np.random.default_rng(0)
    x = generator.standard_normal((2, 6, 7, 3))
    weights = {"c.weight": generator.standard_normal((4, 3, 5, 3)), "c.bias": np.arange(4.0)}
    y = layers.conv(x, weights, "c")
    padded = np.pad(x, ((0, 0), (1, 1), (2, 2), (0, 0)))
    for row, column in ((0, 0), (3, 6), (5, 2)):
        window = padded[1, row : row + 3, column : column + 5]
        for channel in range(4):
            wanted = (window * weights["c.weight"][channel]).sum() + channel
            assert y[1, row, column, channel] == pytest.approx(wanted)


def test_the_tcn_does_not_look_ahead():
    weights = load_weights("cnn_tcn")
    sequence = dataset.sequence(0, VALIDATION[0], 2, 0)[None]
    changed = sequence.copy()
    changed[:, 3:] = -128
    one, other = (cnn_tcn.forward(weights, s)["classify"][0] for s in (sequence, changed))
    np.testing.assert_allclose(one[:3], other[:3], atol=1e-5)
    assert np.abs(one[3:] - other[3:]).max() > 0.1


def test_a_patch_is_a_range_gate_of_one_frame():
    sequence = dataset.sequence(0, VALIDATION[0], 2, 0)[None]
    cut = transformer.patches(sequence)
    assert cut.shape == (1, 60, 2624)
    frame, gate = 3, 7
    wanted = sequence[0, frame, :, gate * 41 : (gate + 1) * 41]
    np.testing.assert_array_equal(cut[0, frame * 12 + gate].reshape(32, 41, 2), wanted)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_know_some_validation_gestures(name):
    """Far above chance on a few sequences; the accuracies are in docs/user/radar.md."""
    items = [(number, gesture, 0) for number in VALIDATION[:2] for gesture in range(len(GESTURES))]
    sequences = np.stack([dataset.sequence(dataset.SEED, *item) for item in items])
    seen = NETWORKS[name].classes(load_weights(name), sequences)
    assert (seen == [gesture for _, gesture, _ in items]).mean() > 0.6


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_computes_what_torch_computes(name):
    torch = pytest.importorskip("torch", reason="needs the train extra")
    from heed.zoo.radar import torch_nets

    weights = load_weights(name)
    sequences = np.stack([dataset.sequence(0, VALIDATION[0], gesture, 1) for gesture in (0, 4, 7)])
    parameters = {key: torch.from_numpy(value) for key, value in weights.items()}
    theirs = torch_nets.FORWARDS[name](parameters, torch.from_numpy(sequences)).numpy()
    ours = NETWORKS[name].forward(weights, sequences)["classify"]
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_folding_keeps_the_network():
    torch = pytest.importorskip("torch", reason="needs the train extra")
    from heed.zoo.radar import torch_nets

    class Frozen(torch_nets.Statistics):
        """Normalises by the noted statistics, after the pool."""

        def normalise(self, x, name):
            deviation = (self.variance[name] + torch_nets.EPSILON).sqrt()
            return (x - self.mean[name][:, None, None]) / deviation[:, None, None]

    chance = torch.Generator().manual_seed(0)
    parameters = torch_nets.initial(cnn_tcn.parameter_shapes(), chance)
    statistics = Frozen()
    for layer in cnn_tcn.CONVS:
        parameters[f"{layer.name}.bias"] = torch.randn(layer.outputs, generator=chance)
        statistics.mean[layer.name] = torch.randn(layer.outputs, generator=chance)
        statistics.variance[layer.name] = 0.2 + torch.rand(layer.outputs, generator=chance)
    sequences = torch.from_numpy(dataset.sequence(0, VALIDATION[0], 2, 0)[None])
    with torch.no_grad():
        wanted = torch_nets.cnn_tcn_forward(parameters, sequences, statistics)
        folded = torch_nets.cnn_tcn_forward(statistics.fold(parameters), sequences)
    np.testing.assert_allclose(folded.numpy(), wanted.numpy(), rtol=1e-3, atol=1e-3)
