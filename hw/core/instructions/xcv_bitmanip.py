"""XCVbitmanip: fields, counts, rotation."""

INSTRUCTIONS = ()
