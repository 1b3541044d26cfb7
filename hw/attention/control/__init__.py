"""Jobs: doorbells, descriptors and their checks, status words, events, soft clear."""
