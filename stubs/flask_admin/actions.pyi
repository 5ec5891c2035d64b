from collections.abc import Callable
from typing import TypeVar

_Action = TypeVar("_Action", bound=Callable[..., object])

def action(name: str, text: str, confirmation: str | None = None) -> Callable[[_Action], _Action]: ...
