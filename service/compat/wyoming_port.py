"""The TCP port of Wyoming: closed unless a setting opens it."""

import asyncio

import structlog

from service.compat.ports import Connections, full, principal_of
from service.compat.wyoming import WyomingConnection
from service.compat.wyoming_events import MAX_LINE_BYTES
from service.parts import Parts

log = structlog.get_logger()


async def serve_wyoming(parts: Parts) -> None:
    """Serve the port until cancelled, if there is one."""
    port = parts.open_ports.get("wyoming")
    if port is None:
        return
    connections = Connections(port)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = WyomingConnection(
            reader, writer, parts=parts, principal=lambda: principal_of(parts, port)
        )
        is_full = connections.is_full
        async with connections.one():
            if is_full:
                await connection.refuse(full())
            else:
                await connection.serve()

    async with asyncio.TaskGroup() as tasks:

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.create_task(serve(reader, writer))

        server = await asyncio.start_server(accept, sock=port.listener, limit=MAX_LINE_BYTES)
        log.info("wyoming_listening", port=port.number)
        try:
            await server.serve_forever()
        finally:
            # Not `async with`: that would wait for connections which only the group ends.
            server.close()
