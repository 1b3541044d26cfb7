"""XCValu: minimum, maximum, clipping, extensions, sums with rounding and shift."""

INSTRUCTIONS = ()
