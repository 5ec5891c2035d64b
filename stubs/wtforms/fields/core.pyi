from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from markupsafe import Markup
from wtforms.form import BaseForm

class _Validator(Protocol):
    def __call__(self, form: Any, field: Any, /) -> None: ...

class Label:
    field_id: str
    text: Any
    def __init__(self, field_id: str, text: object) -> None: ...

# A field that a class declares is an UnboundField; on a form it is the field. The stubs know the field alone.
class Field:
    # A text, or whatever becomes one when it is rendered.
    label: Label
    description: Any
    name: str
    short_name: str
    id: str
    type: str
    data: Any
    object_data: Any
    default: Any
    raw_data: list[Any] | None
    # Texts, or whatever becomes one when it is rendered.
    errors: Sequence[Any]
    process_errors: Sequence[Any]
    validators: Sequence[_Validator]
    widget: Callable[..., str]
    render_kw: dict[str, Any] | None
    flags: Any
    def __init__(
        self,
        label: object = None,
        validators: Sequence[_Validator] | None = None,
        filters: Sequence[Callable[[Any], Any]] = (),
        description: object = "",
        id: str | None = None,
        default: object = None,
        widget: Callable[..., str] | None = None,
        render_kw: Mapping[str, object] | None = None,
        name: str | None = None,
    ) -> None: ...
    def __call__(self, **kwargs: object) -> Markup: ...
    def gettext(self, string: str) -> str: ...
    def process_data(self, value: object) -> None: ...
    def process_formdata(self, valuelist: list[Any]) -> None: ...
    def pre_validate(self, form: BaseForm) -> None: ...
    def validate(self, form: BaseForm, extra_validators: Iterable[_Validator] = ()) -> bool: ...
    def populate_obj(self, obj: object, name: str) -> None: ...
