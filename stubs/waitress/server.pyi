from .wasyncore import dispatcher

class BaseWSGIServer(dispatcher):
    effective_port: int
