"""jupyter_client's manager and client for a kernel that is ready when it is given: without their fixed waits."""

from __future__ import annotations

import asyncio
import time
from importlib.resources import files
from queue import Empty

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import DottedObjectName, Type

__all__ = ["KERNEL_NAME", "RunbookKernelClient", "RunbookKernelManager"]

KERNEL_NAME = "glhelpers"

_ANSWER_SECONDS = 1.0
_POLL_SECONDS = 0.004


class RunbookKernelClient(AsyncKernelClient):  # type: ignore[misc]
    """A client that is ready when its own question has been answered and is over, not after a silence."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        until = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while True:
            if await self._answered(self.kernel_info(), min(until, time.monotonic() + _ANSWER_SECONDS)):
                return
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    wait_for_ready = _async_wait_for_ready

    async def _answered(self, asked: str, until: float) -> bool:
        """Whether reply and idle of this very question arrive in time; a first one may be lost on a new subscription."""
        try:
            while True:
                reply = await self.get_shell_msg(timeout=max(0.0, until - time.monotonic()))
                if reply["parent_header"].get("msg_id") == asked:
                    break
            self._handle_kernel_info_reply(reply)
            # Idle follows its reply at once; if it does not, the subscription came too late to hear it.
            while True:
                told = await self.get_iopub_msg(timeout=min(0.1, max(0.0, until - time.monotonic())))
                own = told["msg_type"] == "status" and told["parent_header"].get("msg_id") == asked
                if own and told["content"]["execution_state"] == "idle":
                    return True
        except Empty:
            return False


class RunbookKernelManager(AsyncKernelManager):  # type: ignore[misc]
    """A manager of one runbook's kernel: its kernelspec is the package's own, installed or not."""

    _kernel_spec: KernelSpec | None = None
    client_class = DottedObjectName("glhelpers.kernels.manager.RunbookKernelClient")
    client_factory = Type(klass=RunbookKernelClient)

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The kernelspec that the package carries, for its own name; else the one that is installed."""
        if self._kernel_spec is None and self.kernel_name == KERNEL_NAME:
            self._kernel_spec = KernelSpec.from_resource_dir(str(files("glhelpers.kernels") / "kernelspec"))
        return super().kernel_spec

    @property
    def forked(self) -> bool:
        """Whether the kernel was forked."""
        return bool(getattr(self.provisioner, "forked", False))

    async def _async_wait(self, pollinterval: float = 0.1) -> None:
        while await self._async_is_alive():
            await asyncio.sleep(min(pollinterval, _POLL_SECONDS))
