"""Runner, drivers and scoreboards that the test benches share."""
