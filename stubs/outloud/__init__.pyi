from collections.abc import Iterable

class Finding:
    rule: str
    message: str

class Result:
    error: str | None
    findings: list[Finding]

def check(path: str, *, skip: Iterable[str] | None = None, layers: Iterable[str] | None = None) -> Result: ...
