"""The shared scratchpad: bus, arbiter, bank and crossbar."""
