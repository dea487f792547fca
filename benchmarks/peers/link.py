"""A slow link before a server: python link.py PORT RTT_MS GBIT; prints its address.

A proxy that hands bytes on after half a round trip, no faster in sum than the link, and for each
connection no more of them at once than TCP would: the window opens with what was acknowledged, and
closes when a connection was idle. Unlike `tc netem` it needs neither root nor a kernel module.
"""

import asyncio
import sys

FIRST_WINDOW = 10 * 1460
LARGEST_WINDOW = 4 * 2**20
LARGEST_PIECE = 128 * 2**10
IDLE_S = 0.2

Piece = tuple[float, bytes]


class Direction:
    """One direction of the link: when it has sent all that it was given."""

    free = 0.0


async def pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    direction: Direction,
    rtt_s: float,
    bytes_per_s: float,
) -> None:
    """Hand on what comes, in time, until it ends."""
    clock = asyncio.get_running_loop()
    room = asyncio.Event()
    window, in_flight = FIRST_WINDOW, 0
    sent: asyncio.Queue[Piece] = asyncio.Queue()

    def acknowledge(count: int) -> None:
        nonlocal window, in_flight
        in_flight -= count
        window = min(window + count, LARGEST_WINDOW)
        room.set()

    async def deliver() -> None:
        while True:
            when, piece = await sent.get()
            await asyncio.sleep(when - clock.time())
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.close()

    delivering = asyncio.create_task(deliver())
    piece = b"?"
    while piece:
        while in_flight >= window:
            room.clear()
            await room.wait()
        waited_from = clock.time()
        piece = await reader.read(min(window - in_flight, LARGEST_PIECE))
        now = clock.time()
        if now - waited_from > IDLE_S and not in_flight:
            window = FIRST_WINDOW
        direction.free = max(now, direction.free) + len(piece) / bytes_per_s
        in_flight += len(piece)
        arrival = direction.free + rtt_s / 2
        sent.put_nowait((arrival, piece))
        clock.call_at(arrival + rtt_s / 2, acknowledge, len(piece))
    await delivering


async def main() -> None:
    """Serve until stopped."""
    port, rtt_s, bytes_per_s = int(sys.argv[1]), float(sys.argv[2]) / 1e3, float(sys.argv[3]) / 8e-9
    up, down = Direction(), Direction()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(rtt_s)  # the handshake
        back, forth = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        await asyncio.gather(
            pump(reader, forth, up, rtt_s, bytes_per_s),
            pump(back, writer, down, rtt_s, bytes_per_s),
            return_exceptions=True,
        )

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
