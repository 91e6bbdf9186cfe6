"""How NATS is reached: addresses, who we are, whom we trust. Errors say what a person can do."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nats.errors import AuthorizationError, NoServersError

from workers.contract.errors import WorkerError


class QueueUnreachable(WorkerError):
    """NATS cannot be used as the settings say; somebody must put it right, or start it."""

    code = "queue.nats_unreachable"

    def __init__(self, code: str, message: str) -> None:
        """Say what happened; the code is one of `queue.nats_*`."""
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # each instance carries its own


class NotEncrypted(Exception):
    """The settings ask for TLS and the server does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsAccess:
    """What is needed to connect. Files are read anew for each connection."""

    urls: tuple[str, ...]
    """`nats://host:4222` or `tls://host:4222`, one or more of one cluster."""
    user: str | None = None
    password: str | None = None
    credentials: Path | None = None
    """File of a user JWT with its seed, as `nsc` writes it."""
    nkey: Path | None = None
    """File of the seed of an nkey."""
    ca: Path | None = None
    """PEM file of the authorities that vouch for the server; None: those the system trusts."""
    certificate: Path | None = None
    """PEM file with which we show who we are, where the server asks for it."""
    key: Path | None = None
    """Its private key; None: it is in the same file."""

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted; the server's name and certificate are then checked."""
        secure = any(urlsplit(url).scheme == "tls" for url in self.urls)
        return secure or self.ca is not None or self.certificate is not None

    def options(self) -> dict[str, Any]:
        """Give the arguments of the client for a connection.

        Raises:
            QueueUnreachable: a file cannot be read.
        """
        options: dict[str, Any] = {"servers": list(self.urls)}
        for path in (self.credentials, self.nkey, self.ca, self.certificate, self.key):
            if path is not None and not path.is_file():
                raise QueueUnreachable(
                    "queue.nats_file", f"{path.name}, which the settings of NATS name, is not there"
                )
        if self.user is not None:
            options |= {"user": self.user, "password": self.password or ""}
        if self.credentials is not None:
            options["user_credentials"] = str(self.credentials)
        elif self.nkey is not None:
            options["nkeys_seed"] = str(self.nkey)
        if self.uses_tls:
            options["tls"] = self._tls()
        return options

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as exc:
            raise QueueUnreachable(
                "queue.nats_file", "a certificate or key of the settings of NATS cannot be used"
            ) from exc
        return context


def explained(error: Exception) -> QueueUnreachable:
    """Say in words what kept us from connecting. What the server said is left out: it may name us."""
    if isinstance(error, QueueUnreachable):
        return error
    said = str(error).lower()
    if isinstance(error, AuthorizationError) or "authorization" in said or "authentication" in said:
        return QueueUnreachable(
            "queue.nats_refused",
            "NATS does not accept the credentials; check ALFAVOICE_NATS_USER and "
            "ALFAVOICE_NATS_PASSWORD, ALFAVOICE_NATS_CREDENTIALS or ALFAVOICE_NATS_NKEY",
        )
    if isinstance(error, (ssl.SSLError, NotEncrypted)) or "secure" in said or "tls" in said:
        return QueueUnreachable(
            "queue.nats_tls",
            "no secure connection to NATS: the certificate of the server is not vouched for, or "
            "only one side wants TLS; use a tls:// address and check ALFAVOICE_NATS_CA",
        )
    if isinstance(error, (OSError, TimeoutError, NoServersError)):
        return QueueUnreachable(
            "queue.nats_unreachable",
            "no NATS server answers; check ALFAVOICE_NATS_URL and whether it runs",
        )
    return QueueUnreachable("queue.nats_unreachable", f"NATS failed: {type(error).__name__}")
