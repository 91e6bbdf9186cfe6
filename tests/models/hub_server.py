"""A real HTTP server that speaks the part of the hub's protocol that we use, and can misbehave."""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STALL_LIMIT_S = 60.0


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324


@dataclass
class Misbehaviour:
    """What is wrong with one file; counts go down as it happens."""

    break_after: int | None = None  # close the connection after so many bytes of the file
    breaks: int = 0  # how many times
    stall_after: int | None = None  # send so many bytes, then wait for `release`
    release: threading.Event = field(default_factory=threading.Event)
    ignores_range: bool = False
    status: int | None = None


@dataclass
class Hub:
    revisions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, Misbehaviour] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # file or "api", Range
    endpoint: str = ""

    def publish(self, commit: str, files: dict[str, bytes]) -> None:
        self.revisions[commit] = files
        self.branches["main"] = commit

    def misbehave(self, file: str, **how: object) -> Misbehaviour:
        self.wrong[file] = Misbehaviour(**how)  # type: ignore[arg-type]
        return self.wrong[file]

    def requested(self, file: str) -> list[str | None]:
        """The Range headers of all requests for a file."""
        return [asked for name, asked in self.requests if name == file]


def serve(hub: Hub) -> ThreadingHTTPServer:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path).path.strip("/").split("/")
            if parts[:2] == ["api", "models"]:
                self._describe(parts[-1])
            else:
                self._send_file(parts[-2], parts[-1])

        def _describe(self, revision: str) -> None:
            hub.requests.append(("api", None))
            commit = hub.branches.get(revision, revision)
            if commit not in hub.revisions:
                self.send_error(404)
                return
            siblings = []
            for name, content in hub.revisions[commit].items():
                sibling = {"rfilename": name, "size": len(content), "blobId": git_blob(content)}
                if name == "model.bin":
                    sibling["lfs"] = {"sha256": hashlib.sha256(content).hexdigest()}
                siblings.append(sibling)
            body = json.dumps({"sha": commit, "siblings": siblings, "private": False}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _send_file(self, revision: str, name: str) -> None:
            asked = self.headers.get("Range")
            hub.requests.append((name, asked))
            wrong = hub.wrong.get(name, Misbehaviour())
            content = hub.revisions.get(hub.branches.get(revision, revision), {}).get(name)
            if wrong.status or content is None:
                self.send_error(wrong.status or 404)
                return
            start = 0
            if asked and not wrong.ignores_range:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_error(416)
                    return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if start:
                span = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", span)
            self.end_headers()
            self._send_body(content, start, wrong)

        def _send_body(self, content: bytes, start: int, wrong: Misbehaviour) -> None:
            end = len(content)
            if wrong.breaks and wrong.break_after is not None:
                wrong.breaks -= 1
                end = max(start, wrong.break_after)
            if wrong.stall_after is not None and start < wrong.stall_after:
                self.wfile.write(content[start : wrong.stall_after])
                self.wfile.flush()
                wrong.release.wait(STALL_LIMIT_S)
                start = wrong.stall_after
            self.wfile.write(content[start:end])
            if end < len(content):
                self.close_connection = True
                self.connection.shutdown(2)

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (BrokenPipeError, ConnectionResetError):  # a killed client
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Keep the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), name="hub", daemon=True).start()
    return server
