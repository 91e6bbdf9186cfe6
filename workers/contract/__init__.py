"""What a service and a worker agree on: requests, answers, the queue's port, bytes on the wire.

Pure: no asyncio, no sockets, no clock, no framework. It is the only part of `workers` that
`service` imports, so a service can run on a machine that has no recogniser installed.
"""
