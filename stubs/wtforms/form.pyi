from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from werkzeug.datastructures import MultiDict
from wtforms.fields.core import Field
from wtforms.meta import DefaultMeta

class Translations(Protocol):
    def gettext(self, string: str) -> str: ...
    def ngettext(self, singular: str, plural: str, n: int) -> str: ...

class BaseForm:
    _fields: dict[str, Field]
    form_errors: list[Any]
    meta: DefaultMeta
    def __init__(self, fields: Mapping[str, Any], prefix: str = "", meta: DefaultMeta = ...) -> None: ...
    @property
    def data(self) -> dict[str, Any]: ...
    @property
    def errors(self) -> dict[str | None, list[Any]]: ...
    def __iter__(self) -> Iterator[Field]: ...
    def __contains__(self, name: str) -> bool: ...
    def __getitem__(self, name: str) -> Any: ...
    def __delitem__(self, name: str) -> None: ...
    def populate_obj(self, obj: object) -> None: ...
    def process(
        self,
        formdata: MultiDict[str, Any] | None = None,
        obj: object = None,
        data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None: ...
    def validate(self) -> bool: ...

class Form(BaseForm):
    def __init__(
        self,
        formdata: MultiDict[str, Any] | None = None,
        obj: object = None,
        prefix: str = "",
        data: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None: ...
