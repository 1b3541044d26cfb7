"""Building blocks that know nothing of Heed: numeric helpers, streams, FIFOs, register bank."""
