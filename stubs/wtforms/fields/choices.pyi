from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wtforms.fields.core import Field, _Validator

class SelectChoice:
    value: Any
    label: Any
    render_kw: Mapping[str, object] | None
    optgroup: object
    def __init__(
        self,
        value: object,
        label: object = None,
        render_kw: Mapping[str, object] | None = None,
        optgroup: object = None,
    ) -> None: ...

class SelectField(Field):
    # Choices, or what makes them when the form is made.
    choices: Any
    coerce: Callable[[Any], Any]
    validate_choice: bool
    option_widget: Callable[..., str]
    def __init__(
        self,
        label: object = None,
        validators: Sequence[_Validator] | None = None,
        coerce: Callable[[Any], Any] = ...,
        choices: Iterable[SelectChoice] | Callable[[], Iterable[SelectChoice]] | None = None,
        validate_choice: bool = True,
        *,
        description: object = "",
        id: str | None = None,
        default: object = None,
        render_kw: Mapping[str, object] | None = None,
        name: str | None = None,
    ) -> None: ...

class SelectMultipleField(SelectField): ...
class RadioField(SelectField): ...
