"""Start WhisperLive with the same model for all clients; run by the peer's own interpreter.

Its package has the server class but not the script of its repository that starts it.
"""

import argparse
import logging

from whisper_live.server import TranscriptionServer  # type: ignore[import-not-found]

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--beam", type=int, required=True)
parser.add_argument("--batch", action="store_true")
options = parser.parse_args()

logging.basicConfig(level=logging.WARNING)
TranscriptionServer().run(
    "127.0.0.1",
    port=options.port,
    backend="faster_whisper",
    faster_whisper_custom_model_path=options.model,
    single_model=True,
    max_clients=64,
    max_connection_time=3600,
    batch_enabled=options.batch,
    batch_beam_size=options.beam,
)
