from .wasyncore import dispatcher

class HTTPChannel(dispatcher):
    requests: list[object]
    total_outbufs_len: int
