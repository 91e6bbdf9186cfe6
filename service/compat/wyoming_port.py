"""The TCP port of Wyoming: closed unless a setting opens it."""

import asyncio

import structlog

from service.compat.ports import Connections, OpenPort, full, principal_of
from service.compat.wyoming import WyomingConnection
from service.compat.wyoming_events import MAX_LINE_BYTES
from service.parts import Parts

log = structlog.get_logger()


async def serve_wyoming(parts: Parts) -> None:
    """Serve the port until cancelled, if there is one.

    Raises:
        SetUpError: the settings do not allow it, or it cannot be opened.
    """
    settings = parts.settings
    port = OpenPort(
        protocol="wyoming",
        host=settings.wyoming_host,
        port=settings.wyoming_port,
        user=settings.wyoming_user,
    )
    if not port.port:
        return
    listener = port.bind(login_is_required=parts.accounts.login_is_required)
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

        server = await asyncio.start_server(accept, sock=listener, limit=MAX_LINE_BYTES)
        log.info("wyoming_listening", port=port.port)
        try:
            await server.serve_forever()
        finally:
            # Not `async with`: that would wait for connections which only the group ends.
            server.close()
