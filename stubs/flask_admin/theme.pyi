class Theme:
    folder: str
    base_template: str
    def __init__(self, folder: str, base_template: str) -> None: ...
