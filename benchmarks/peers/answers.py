"""An archive that has its answers ready. python answers.py URI=VOLUME.npy...; prints its address.

Each answer is made once and kept, so that what is measured is not the server's compressing.
"""

import sys
import threading
from pathlib import Path
from typing import Any

from bossflow.archive_server.app import app
from bossflow.archive_server.served import open_volume
from bossflow.archive_server.server import serving


def remembering(archive: Any) -> Any:
    """Wrap an archive so that it makes each answer but once."""
    kept: dict[bytes, list[Any]] = {}

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await archive(scope, receive, send)
            return
        messages = kept.get(scope["raw_path"])
        if messages is None:
            messages = []

            async def keep(message: Any) -> None:
                messages.append(message)

            await archive(scope, receive, keep)
            kept[scope["raw_path"]] = messages
        for message in messages:
            await send(message)

    return answer


def main() -> None:
    """Serve until stopped."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    volumes = {uri: open_volume(Path(path), (30.0, 8.0, 8.0)) for uri, path in given.items()}
    with serving(remembering(app(volumes))) as address:
        print(address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
