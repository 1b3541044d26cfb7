"""XCVsimd: packed bytes and halves, dot products."""

INSTRUCTIONS = ()
