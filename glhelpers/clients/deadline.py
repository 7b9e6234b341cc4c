"""A deadline for a whole answer: httpx bounds each read alone, so that a slow drip would never end."""

from __future__ import annotations

import glhelpers.clients.lean  # noqa: F401 (before httpx)  # isort: skip

import math
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

__all__ = ["DeadlineTransport", "deadline"]

_CONNECTIONS = 16
_AT_ONCE = 64 * 1024
_KEPT_SECONDS = 4.0  # less than servers wait: uvicorn hangs up after five, and a request might cross that
_ends: ContextVar[float] = ContextVar("ends", default=math.inf)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Within this block, every step of a request on a `DeadlineTransport` ends in time, all together."""
    before = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(before)


class DeadlineTransport(httpx.HTTPTransport):
    """The transport of httpx, straight to the host, with connections that know the deadline, and are kept if `keep`."""

    def __init__(self, tls: ssl.SSLContext, *, keep: bool = True) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS if keep else 0,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=_Backend(),
        )


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    """Seconds that the next step may take; raises `late` if there are none."""
    left = _ends.get() - time.monotonic()
    if left <= 0:
        raise late("the deadline passed")
    shortest = min(left, math.inf if timeout is None else timeout)
    return shortest if math.isfinite(shortest) else None


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _AT_ONCE):
            self._inner.write(buffer[start : start + _AT_ONCE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
