"""Runs without a person: notebooks in kernels of their own, many at once, with progress and a summary."""
