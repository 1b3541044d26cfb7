"""From sweeps to range-Doppler frames, and to the int8 that the networks read."""

import numpy as np

SWEEPS = 32
FRAMES = 5
#: int8 steps a decibel, and the level in dB of the value -128.
STEPS_A_DECIBEL = 4
FLOOR = -56.0


def range_doppler(sweeps: np.ndarray) -> np.ndarray:
    """Return magnitudes, float32 [frames, 32, bins, sensors].

    A Hann window over 32 sweeps, scaled to the sum 1, then their discrete Fourier transform; row 16
    is speed 0, higher rows come nearer: row k stands for (k - 16) / 32 of the sweep rate. The
    frames do not overlap.

    Parameters
    ----------
    sweeps
        Complex baseband [frames * 32, bins, sensors].
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(SWEEPS) + 0.5) / SWEEPS)
    window /= window.sum()
    cut = sweeps.reshape(-1, SWEEPS, *sweeps.shape[1:])
    spectrum = np.fft.fft(cut * window[:, None, None].astype(np.float32), axis=1)
    return np.abs(np.fft.fftshift(spectrum, axes=1)).astype(np.float32)


def quantise(magnitude: np.ndarray) -> np.ndarray:
    """Return `clip(round(4 * (20 log10(magnitude) - FLOOR)) - 128)` as int8, a quarter dB a step.

    -128 is FLOOR or less, 127 is 63.75 dB above. The scale is fixed: it knows nothing of the data.
    """
    decibel = 20 * np.log10(np.maximum(magnitude, 1e-9))
    steps = np.round(STEPS_A_DECIBEL * (decibel - FLOOR)) - 128
    return np.clip(steps, -128, 127).astype(np.int8)
