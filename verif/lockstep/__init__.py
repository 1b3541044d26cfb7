"""Random programs on the RTL and on the simulator core, every retired instruction compared."""
