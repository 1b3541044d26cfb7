"""LayerNorm: exact statistics of rows, their reciprocal deviation, normalised elements."""
