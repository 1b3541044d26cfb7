"""Synthetic radar gestures from physics, and two networks that tell them apart."""

from heed.zoo.radar.data import load_weights
from heed.zoo.radar.gestures import GESTURES

__all__ = ["GESTURES", "load_weights"]
