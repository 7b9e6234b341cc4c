"""`python -m glhelpers.kernels -f FILE`: the same kernel, started instead of forked."""

from __future__ import annotations

from glhelpers.kernels.app import RunbookKernelApp

if __name__ == "__main__":
    RunbookKernelApp.launch_instance()
