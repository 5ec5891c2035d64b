"""Serve one of the two programs on a free port, which is printed: ``python -m bench.program.server ours URL``."""

from __future__ import annotations

import logging
import sys
from typing import Any

from waitress import create_server

from views.app.http.serving import keep_what_is_loaded

#: Both programs are served with the settings of the product (SERVING in app.py).
SERVING: dict[str, Any] = {"threads": 24, "outbuf_high_watermark": 1024 * 1024}


def serve(side: str, url: str) -> None:
    """Serve ``ours`` or ``stock`` on the database at ``url`` until the process is stopped."""
    if side == "ours":
        from app import create_app as create_ours  # noqa: PLC0415 - import only the program that is served
        from lpse_admin.config import RunMode, Settings  # noqa: PLC0415

        app = create_ours(Settings(run_mode=RunMode.DEMO, database_url=url, secret_key="bench" * 8))
    else:
        # Stock Flask-Admin does not depend on Flask-Babel, and is faster without it.
        sys.modules["flask_babel"] = None  # type: ignore[assignment]
        from bench.program.stock import create_app as create_stock  # noqa: PLC0415

        app = create_stock(url)
    logging.getLogger("waitress").setLevel(logging.ERROR)
    server = create_server(app, host="127.0.0.1", port=0, **SERVING)
    keep_what_is_loaded()  # both sides are served as the product is
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    serve(*sys.argv[1:])
