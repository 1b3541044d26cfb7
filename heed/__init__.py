"""Heed: a tinyML cluster for 8-bit Transformers, its models, tools and deployment flow."""

__version__ = "0.1.0"
