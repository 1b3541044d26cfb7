"""The attention engine, executed in numpy: descriptors in, bytes out."""
