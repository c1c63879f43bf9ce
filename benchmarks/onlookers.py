"""Many who look on: `python -m benchmarks.onlookers PORT TOKEN COUNT` says when all streams are open."""

import asyncio
import sys

REQUEST = "GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"


async def look_on(port: int, token: str, opened: asyncio.Semaphore) -> None:
    """Open one stream, and read what comes until the end of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST.format(token=token).encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"a stream answered {status!r}")
    opened.release()
    while await reader.read(65_536):
        pass
    writer.close()


async def main(port: int, token: str, count: int) -> None:
    opened = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(look_on(port, token, opened))
        for _ in range(count):
            await opened.acquire()
        print("all are open", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
