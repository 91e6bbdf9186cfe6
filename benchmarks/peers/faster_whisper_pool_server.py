"""A plain server around faster-whisper: one model, a thread pool, the library's defaults.

What a competent developer writes in an hour, and so the baseline of every comparison. It is run by
the peer's own interpreter and imports nothing of AlfaVoice. Protocol: a JSON text message with
`language`, binary PCM16 16 kHz mono, the text message `finish`; the answer is JSON with `text`.
"""

import argparse
import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from faster_whisper import WhisperModel
from websockets.asyncio.server import ServerConnection, serve


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--beam", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    model = WhisperModel(
        options.model,
        device="cpu",
        compute_type="int8",
        cpu_threads=options.threads,
        num_workers=options.workers,
    )
    pool = ThreadPoolExecutor(max_workers=4)

    def transcribe(pcm: bytes, language: str) -> str:
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
        segments, _ = model.transcribe(samples, language=language, beam_size=options.beam)
        return " ".join(segment.text.strip() for segment in segments)

    async def session(socket: ServerConnection) -> None:
        language = json.loads(await socket.recv())["language"]
        pcm = bytearray()
        async for message in socket:
            if isinstance(message, bytes):
                pcm += message
                continue
            loop = asyncio.get_running_loop()
            text = await loop.run_in_executor(pool, transcribe, bytes(pcm), language)
            await socket.send(json.dumps({"text": text}))
            return

    async with serve(session, "127.0.0.1", options.port, compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
