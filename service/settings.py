"""Every setting of the service, read once in `main` from `ALFAVOICE_*` variables and flags.

Parts get the values they need as arguments; nobody reads the environment later. `.env.example`
lists each variable with its default and reason; a test keeps the two the same.

Secrets may lie in files instead, as Docker, Kubernetes and systemd hand them out: in the folder
`ALFAVOICE_SECRETS_DIR`, each named like its variable in small letters.
"""

import os
from pathlib import Path
from typing import Final, Literal

import platformdirs
from pydantic import AliasChoices, Field, IPvAnyNetwork, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

MOST_POLISH_LETTERS: Final = 20_000
"""The longest text that an operator may have rewritten: some twenty minutes of speech."""


class Settings(BaseSettings):
    """All settings, with the defaults of one person on one laptop."""

    model_config = SettingsConfigDict(
        env_prefix="ALFAVOICE_",
        env_ignore_empty=True,  # an empty ALFAVOICE_DATA_DIR is no wish for the current folder
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    host: str = "127.0.0.1"
    """Address to listen on. Loopback by default; beyond it people must sign in."""
    port: int = Field(default=8765, ge=0, le=65535)
    """TCP port; 0 takes a free one and prints it."""
    data_dir: Path = Path(platformdirs.user_data_dir("alfavoice", appauthor=False))
    """Folder of the embedded database and the models."""
    secrets_dir: Path | None = None
    """Folder of files with values of settings; variables go before them."""
    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("ALFAVOICE_DATABASE_URL", "DATABASE_URL")
    )
    """`postgresql://…` of a PostgreSQL server; unset: an embedded one in the data folder."""
    master_key: SecretStr | None = None
    """Master key in base64; several, separated by spaces: the first is in use."""
    master_key_file: Path | None = None
    """File of the master key; unset: `master.key` in the data folder, made at the first start."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of web pages that may open the socket, besides the server's own."""
    web: Path | None = None
    """Folder of the client's browser build, served at `/`; unset: the one that came along."""
    releases: Path | None = None
    """Folder of the desktop client's versions that are handed out; unset: `releases` in the data folder."""

    login: Literal["auto", "required", "off"] = "auto"
    """Whether people sign in; auto: unless only this machine can reach the server."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed."""
    sign_in_idle_days: int = Field(default=30, ge=1, le=3650)
    """A device unused for so long signs in again."""
    sign_in_days: int = Field(default=180, ge=1, le=3650)
    """A device signs in again after so long in any case."""
    audit_days: int = Field(default=400, ge=1, le=36500)
    """How long events of the audit log are kept."""

    model: str | None = None
    """Name of an installed model; unset: the active one (`alfavoice models use`)."""
    engine: Literal["whisper", "scripted"] = "whisper"
    """`scripted` answers from a script, for tests of everything around the recogniser."""
    script: Path | None = None
    """Answers of the scripted engine; unset: text made of the audio's length and checksum."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compute_type: str = "auto"
    """CTranslate2 compute type; auto: int8 on CPU, float16 on CUDA."""
    lanes: int = Field(default=0, ge=0, le=64)
    """Batches recognised at once per device; 0: one per core on CPU, one per GPU."""
    beam: int = Field(default=1, ge=1, le=10)
    """Beam width of finals; partials are always greedy."""
    batch_limit: int = Field(default=8, ge=1, le=64)
    """Most windows in one batch."""

    punctuation: str = "auto"
    """Punctuation model: `auto` (the one that comes along), `off`, or a folder or checkpoint."""

    queue: Literal["local", "nats"] = "local"
    """`nats`: this machine recognises nothing itself, workers (`alfavoice worker`) do."""
    nats_url: str = "nats://127.0.0.1:4222"
    """Of one NATS server or several of a cluster, with commas; `tls://…` encrypts."""
    nats_user: str | None = None
    """Name at NATS; unset: none, or that of the credentials or nkey."""
    nats_password: SecretStr | None = None
    """Password of that name."""
    nats_credentials: Path | None = None
    """File of a user JWT with its seed."""
    nats_nkey: Path | None = None
    """File of the seed of an nkey."""
    nats_ca: Path | None = None
    """PEM file of the authorities that vouch for NATS; unset: those the system trusts."""
    nats_certificate: Path | None = None
    """PEM file with which this machine shows NATS who it is."""
    nats_key: Path | None = None
    """Its private key; unset: in the same file."""
    worker_metrics: str | None = None
    """`HOST:PORT` where a worker answers `/metrics` and `/health/*`; unset: nowhere."""

    endpoint_silence_ms: int = Field(default=800, ge=200, le=5000)
    """Silence that ends an utterance."""
    speculation_silence_ms: int = Field(default=200, ge=0, le=5000)
    """Silence after which the final is decoded ahead of the endpoint; 0: never."""
    partial_interval_ms: int = Field(default=1000, ge=200, le=10000)
    """Speech between two partials of an utterance, when the machine is not busy."""
    resume_s: float = Field(default=300.0, ge=0, le=86400)
    """How long a session outlives its socket."""
    idle_s: float = Field(default=60.0, gt=0, le=3600)
    """Silence on a socket (no message at all) after which it is closed."""
    max_session_s: float = Field(default=4 * 3600.0, gt=0, le=86400)
    """Longest session, in seconds of audio."""
    max_sessions: int = Field(default=256, ge=1, le=100_000)
    """Sessions alive at once; the next is refused with a retry time."""
    max_sessions_per_user: int = Field(default=16, ge=1, le=100_000)
    """Sessions of one account connected at once; does not hold where nobody signs in."""
    max_minutes_per_day: int = Field(default=0, ge=0, le=100_000)
    """Minutes of audio that one account may turn into text in a day of UTC; 0: any."""
    max_queue_s: float = Field(default=20.0, gt=0)
    """How long finals may wait before new sessions are refused, s; files give way at a quarter."""
    max_archive_mb: int = Field(default=4096, ge=1, le=1_048_576)
    """Largest archive that a person may import, MiB; kept encrypted in the data folder meanwhile."""
    max_upload_mb: int = Field(default=512, ge=1, le=4096)
    """Largest request with a file to transcribe at once, in MiB."""
    max_uploads: int = Field(default=16, ge=1, le=1000)
    """Such requests under way at once; each may need its size on disk and a decoder process."""
    max_recording_mb: int = Field(default=2048, ge=1, le=4000)
    """Largest recording, in MiB."""
    max_recording_s: int = Field(default=4 * 3600, ge=1, le=86400)
    """Longest recording, in seconds of audio."""
    max_recordings_waiting: int = Field(default=500, ge=1, le=100_000)
    """Recordings of one person that are not transcripts yet; failed ones count."""
    max_recordings_waiting_mb: int = Field(default=8192, ge=1, le=1_000_000)
    """The same in MiB."""
    max_recording_uploads: int = Field(default=32, ge=1, le=1000)
    """Chunks of recordings taken in at once, about 12 MiB of memory each; the rest waits."""
    recording_jobs: int = Field(default=2, ge=1, le=64)
    """Recordings turned into text at once; each has a decoder process of about 100 MB."""
    recording_windows: int = Field(default=0, ge=0, le=1000)
    """Windows of recordings with the recogniser at once; 0: one fewer than lanes, at least 1."""
    keep_audio_days: int = Field(default=0, ge=0, le=36500)
    """How long audio is kept after its transcript is stored."""
    disk_reserve_mb: int = Field(default=1024, ge=0, le=1_000_000)
    """Room that recordings leave on the disk of the embedded database, in MiB."""
    drain_s: float = Field(default=30.0, gt=0)
    """After SIGTERM: how long open sessions may take to finish."""

    wyoming_port: int = Field(default=0, ge=0, le=65535)
    """TCP port of the Wyoming protocol (Home Assistant), which knows no login; 0: closed."""
    wyoming_host: str = "127.0.0.1"
    """Address of the Wyoming port."""
    wyoming_user: str | None = None
    """Login of the account that dictates at the Wyoming port; needed where people sign in."""
    vosk_port: int = Field(default=0, ge=0, le=65535)
    """TCP port for clients of vosk-server, which know no login; 0: closed."""
    vosk_host: str = "127.0.0.1"
    """Address of the Vosk port."""
    vosk_user: str | None = None
    """Login of the account that dictates at the Vosk port; needed where people sign in."""

    polish_url: str | None = None
    """Base URL of an OpenAI-compatible server whose model rewrites texts; unset: off."""
    polish_model: str | None = None
    """Name of the model there; unset: whichever it has."""
    polish_key: SecretStr | None = None
    """Key of that server."""
    polish_key_file: Path | None = None
    """File that holds the key; unset: `polish_key`, or none."""
    polish_timeout_s: float = Field(default=10.0, ge=0.1, le=120)
    """For the whole answer; after that the text stays as it was."""
    polish_max_letters: int = Field(default=4_000, ge=100, le=MOST_POLISH_LETTERS)
    """Longest text that is sent there."""
    polish_at_once: int = Field(default=4, ge=1, le=1000)
    """Texts there at once; a further one comes back as it was."""

    traces_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("ALFAVOICE_TRACES_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    )
    """Base URL of an OpenTelemetry collector (OTLP over HTTP); unset: nothing is traced."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """auto: readable on a terminal, JSON lines otherwise."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give where values come from: arguments, then variables, then files of secrets.

        Raises:
            SettingsError: `ALFAVOICE_SECRETS_DIR` names no folder.
        """
        folder = os.environ.get("ALFAVOICE_SECRETS_DIR")
        if not folder:
            return init_settings, env_settings
        if not Path(folder).is_dir():
            raise SettingsError("ALFAVOICE_SECRETS_DIR names no folder")
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder)
