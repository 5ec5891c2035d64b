from collections.abc import Callable
from typing import Any, Protocol

from . import wasyncore as wasyncore

class _Trigger(Protocol):
    def pull_trigger(self, thunk: Callable[[], None] | None = None) -> None: ...

class _TaskDispatcher(Protocol):
    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool: ...

class _Server(Protocol):
    effective_port: int
    trigger: _Trigger
    task_dispatcher: _TaskDispatcher
    def run(self) -> None: ...
    def close(self) -> None: ...

def create_server(
    application: Callable[..., Any],
    *,
    map: dict[int, wasyncore.dispatcher] | None = None,
    host: str = ...,
    port: int = ...,
    **settings: Any,
) -> _Server: ...
