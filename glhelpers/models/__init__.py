"""Frozen records named as the field names things; no I/O, no clock, no environment."""
