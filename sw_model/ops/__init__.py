"""The operators, each the definition of its arithmetic (docs/reference/numerics.md)."""

from sw_model.ops.activation import activation
from sw_model.ops.attention import attention, attention_logits, split_heads
from sw_model.ops.convolution import conv1d, conv2d, depthwise
from sw_model.ops.embedding import embedding
from sw_model.ops.layernorm import layernorm, standardise
from sw_model.ops.linear import linear
from sw_model.ops.mask import attention_mask
from sw_model.ops.matmul import accumulate, wrap32
from sw_model.ops.mean_pool import mean_pool
from sw_model.ops.nonorm import nonorm
from sw_model.ops.patch_embed import patch_embed, patches
from sw_model.ops.pooling import average_pool, max_pool
from sw_model.ops.requantise import Entry, requantise
from sw_model.ops.residual import add
from sw_model.ops.softmax import EXP2_TABLE, bit_length, exponential, normalise, reciprocal

__all__ = [
    "EXP2_TABLE",
    "Entry",
    "accumulate",
    "activation",
    "add",
    "attention",
    "attention_logits",
    "attention_mask",
    "average_pool",
    "bit_length",
    "conv1d",
    "conv2d",
    "depthwise",
    "embedding",
    "exponential",
    "layernorm",
    "linear",
    "max_pool",
    "mean_pool",
    "nonorm",
    "normalise",
    "patch_embed",
    "patches",
    "reciprocal",
    "requantise",
    "split_heads",
    "standardise",
    "wrap32",
]
