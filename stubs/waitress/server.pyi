from .channel import HTTPChannel
from .wasyncore import dispatcher

class BaseWSGIServer(dispatcher):
    channel_class: type[HTTPChannel]
    effective_port: int
