"""The gateware, written in Amaranth HDL."""
