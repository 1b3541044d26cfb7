"""The softmax of published integer designs, in numpy: what Heed's is compared with."""

from sw_model.baselines.ibert import ibert_probabilities
from sw_model.baselines.ita import ita_probabilities, ita_window
from sw_model.baselines.rounded import rounded_probabilities

__all__ = ["ibert_probabilities", "ita_probabilities", "ita_window", "rounded_probabilities"]
