"""The cluster: cores, engine and devices on one scratchpad, and the simulation top."""
