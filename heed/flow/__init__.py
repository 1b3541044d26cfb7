"""Deployment flow: an integer graph becomes firmware, one stage a file."""
