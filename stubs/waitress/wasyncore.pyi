import socket as _socket

class dispatcher:
    socket: _socket.socket
    def del_channel(self, map: dict[int, dispatcher] | None = None) -> None: ...

def loop(
    timeout: float = 30.0, use_poll: bool = False, map: dict[int, dispatcher] | None = None, count: int | None = None
) -> None: ...
def close_all(map: dict[int, dispatcher] | None = None, ignore_all: bool = False) -> None: ...
