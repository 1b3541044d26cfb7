"""A tiny vision Transformer on scikit-learn's 8x8 digits, in float and in int8."""

from heed.zoo.digits_vit.data import load_graph, load_images, load_weights, quantise_input

__all__ = ["load_graph", "load_images", "load_weights", "quantise_input"]
