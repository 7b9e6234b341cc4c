"""
Kernels that are forked from a process which has imported what runbooks need.

A kernel of its own for every notebook, at the price of a fork.  The ways in are the usual ones of
Jupyter: a kernelspec (`glhelpers`) and a kernel provisioner (`glhelpers-fork`).
"""
