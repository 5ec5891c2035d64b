from typing import ClassVar

from .parser import HTTPRequestParser
from .wasyncore import dispatcher

class HTTPChannel(dispatcher):
    parser_class: ClassVar[type[HTTPRequestParser]]
    requests: list[object]
    total_outbufs_len: int
