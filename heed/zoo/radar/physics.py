"""A pulsed coherent radar: moving point scatterers become complex sweeps over range bins.

Lengths in metres, times in seconds. The sensors lie in the plane z = 0 and look along +z.
"""

from dataclasses import dataclass

import numpy as np

LIGHT = 299_792_458.0


@dataclass(frozen=True)
class Radar:
    """What the simulated sensors are.

    Parameters
    ----------
    carrier
        Carrier frequency in Hz.
    rate
        Sweeps a second.
    bins, first, step
        Number of range bins, range of the first one and distance of two, in metres.
    pulse
        Standard deviation of the Gaussian pulse envelope over range, in metres.
    sensors
        Positions (x, y, z) in metres, one row a sensor.
    reference
        Range in metres at which a scatterer of reflectivity 1 has amplitude 1.
    beam
        Exponent of the cosine of the angle off the sensor's axis: the amplitude there and back.
    """

    carrier: float = 60e9
    rate: float = 160.0
    bins: int = 492
    first: float = 0.07
    step: float = 0.484e-3
    pulse: float = 0.011
    sensors: tuple[tuple[float, float, float], ...] = ((-0.025, 0, 0), (0.025, 0, 0))
    reference: float = 0.15
    beam: float = 3.0

    @property
    def wavelength(self) -> float:
        """Wavelength of the carrier in metres."""
        return LIGHT / self.carrier

    @property
    def fastest(self) -> float:
        """Radial speed in m/s from which on the Doppler shift is ambiguous."""
        return self.wavelength * self.rate / 4

    def ranges(self) -> np.ndarray:
        """Return the range of every bin in metres, [bins]."""
        return self.first + self.step * np.arange(self.bins)


RADAR = Radar()


def echoes(radar: Radar, positions: np.ndarray, reflectivity: np.ndarray) -> np.ndarray:
    """Return the noiseless baseband of point scatterers, complex64 [sweeps, bins, sensors].

    A scatterer at distance r of a sensor adds
    `a * (reference / r)^2 * cos(angle)^beam * exp(-(R - r)^2 / (2 pulse^2)) * exp(-4j pi r / l)`
    to the bin of range R, with l the wavelength: the field spreads as 1/r on each of two ways.

    Parameters
    ----------
    positions
        Metres, [sweeps, scatterers, 3]; z is positive.
    reflectivity
        Amplitude a of each scatterer, [scatterers] or [sweeps, scatterers].
    """
    ranges = radar.ranges().astype(np.float32)
    sweeps = np.empty((len(positions), radar.bins, len(radar.sensors)), np.complex64)
    for index, sensor in enumerate(radar.sensors):
        way = positions - np.array(sensor)
        r = np.sqrt((way**2).sum(-1))
        gain = np.maximum(way[..., 2] / r, 0) ** radar.beam
        amplitude = reflectivity * (radar.reference / r) ** 2 * gain
        phase = -4 * np.pi / radar.wavelength * r
        parts = np.stack([amplitude * np.cos(phase), amplitude * np.sin(phase)], -2)
        off = (ranges - r[..., None].astype(np.float32)) * np.float32(1 / radar.pulse)
        np.multiply(off, off, out=off)
        off *= np.float32(-0.5)
        both = parts.astype(np.float32) @ np.exp(off, out=off)
        sweeps[..., index] = both[:, 0] + 1j * both[:, 1]
    return sweeps


def clutter(
    radar: Radar, generator: np.random.Generator, level: float, leakage: float
) -> np.ndarray:
    """Return what stands still, complex64 [bins, sensors].

    Some reflectors at random ranges in and behind the window, and the leakage from transmitter
    to receiver: a pulse before the first bin, with an exponential tail.

    Parameters
    ----------
    level
        Amplitude of a typical reflector.
    leakage
        Amplitude of the leakage at the first bin.
    """
    ranges = radar.ranges()
    sensors = len(radar.sensors)
    count = int(generator.integers(3, 8))
    where = generator.uniform(radar.first, ranges[-1] + 2 * radar.pulse, (count, sensors))
    strength = level * generator.rayleigh(1.0, (count, sensors))
    turn = np.exp(2j * np.pi * generator.random((count, sensors)))
    pulses = np.exp(-0.5 * ((ranges[:, None, None] - where) / radar.pulse) ** 2)
    still = (pulses * strength * turn).sum(1)
    tail = np.exp(-(ranges - radar.first) / (2 * radar.pulse))
    still += leakage * tail[:, None] * np.exp(2j * np.pi * generator.random(sensors))
    return still.astype(np.complex64)


def noise(
    radar: Radar, generator: np.random.Generator, sweeps: int, deviation: float
) -> np.ndarray:
    """Return receiver noise, complex64 [sweeps, bins, sensors].

    Independent from sweep to sweep; over range it has passed the filter of the pulse, so bins
    closer than a pulse are alike.

    Parameters
    ----------
    deviation
        Root mean square of the complex value of a bin.
    """
    spacing = radar.pulse / 2
    ranges = radar.ranges()
    knots = np.arange(ranges[0] - 4 * radar.pulse, ranges[-1] + 4 * radar.pulse, spacing)
    spread = np.exp(-0.5 * ((knots[:, None] - ranges) / radar.pulse) ** 2)
    spread *= deviation / np.sqrt(2 * (spread**2).sum(0))
    shape = (2, len(radar.sensors), sweeps, len(knots))
    white = generator.standard_normal(shape, dtype=np.float32) @ spread.astype(np.float32)
    return np.moveaxis(white[0] + 1j * white[1], 0, -1)


def phase_noise(
    radar: Radar, generator: np.random.Generator, sweeps: int, deviation: float
) -> np.ndarray:
    """Return the factor that the oscillator's phase noise puts on whole sweeps, [sweeps, 1, 1].

    Parameters
    ----------
    deviation
        Standard deviation of the phase in radians, independent from sweep to sweep.
    """
    angle = deviation * generator.standard_normal(sweeps)
    return np.exp(1j * angle).astype(np.complex64)[:, None, None]
