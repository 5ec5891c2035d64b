from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue
from flask_admin.theme import Theme

_View = TypeVar("_View", bound=Callable[..., ResponseReturnValue])

def expose(url: str = "/", methods: Iterable[str] = ("GET",)) -> Callable[[_View], _View]: ...

class BaseView:
    name: str
    endpoint: str
    url: str | None
    category: str | None
    static_folder: str | None
    blueprint: Blueprint | None
    admin: Admin | None
    extra_css: list[str]
    extra_js: list[str]
    def __init__(
        self,
        name: str | None = None,
        category: str | None = None,
        endpoint: str | None = None,
        url: str | None = None,
        static_folder: str | None = None,
        static_url_path: str | None = None,
        menu_class_name: str | None = None,
        menu_icon_type: str | None = None,
        menu_icon_value: str | None = None,
    ) -> None: ...
    def create_blueprint(self, admin: Admin) -> Blueprint: ...
    def render(self, template: str, **kwargs: Any) -> str: ...
    def is_visible(self) -> bool: ...
    def is_accessible(self) -> bool: ...
    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue: ...
    def get_url(self, endpoint: str, **kwargs: Any) -> str: ...

class AdminIndexView(BaseView):
    def __init__(
        self,
        name: str | None = None,
        category: str | None = None,
        endpoint: str | None = None,
        url: str | None = None,
        template: str = "admin/index.html",
    ) -> None: ...
    @expose()
    def index(self) -> ResponseReturnValue: ...

class Admin:
    _views: list[BaseView]
    def __init__(
        self,
        app: Flask | None = None,
        name: str | None = None,
        url: str | None = None,
        subdomain: str | None = None,
        index_view: AdminIndexView | None = None,
        translations_path: str | None = None,
        endpoint: str | None = None,
        static_url_path: str | None = None,
        theme: Theme | None = None,
    ) -> None: ...
    def init_app(self, app: Flask) -> None: ...
    def add_view(self, view: BaseView) -> None: ...
    def add_views(self, *views: BaseView) -> None: ...
