"""XCVmac: multiply-accumulate, products of halves."""

INSTRUCTIONS = ()
