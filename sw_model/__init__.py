"""Numpy model of the machine: the definition that the RTL matches bit for bit."""
