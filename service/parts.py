"""What the parts of a running service are, for those who make routes of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from service.accounts.gate import Gate
from service.accounts.opening import Accounts
from service.compat.open_ports import OpenPort
from service.dictation.personal import PersonalWishes
from service.dictation.sessions import Sessions
from service.dictation.wire import Limits
from service.library.changes import Changes
from service.operations.admission import Admission
from service.operations.limits import PersonLimits
from service.operations.metrics import DictationMetrics
from service.recordings.opening import Recordings
from service.settings import Settings
from service.storage.opening import Storage
from workers.contract.engine import EngineDescription
from workers.contract.queue import TranscriptionQueue
from workers.contract.texts import TextFinisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything a router may need; made once in `service.app`."""

    settings: Settings
    storage: Storage
    gate: Gate
    accounts: Accounts
    sessions: Sessions
    admission: Admission
    people: PersonLimits
    changes: Changes
    recordings: Recordings
    limits: Limits
    queue: TranscriptionQueue
    texts: TextFinisher
    """The text pipeline, for texts that nobody speaks at this moment."""
    wishes: PersonalWishes
    engines: Callable[[], tuple[EngineDescription, ...]]
    """The recognisers behind the queue; those that still start are missing."""
    open_ports: Mapping[str, OpenPort]
    """Ports of protocols that know no login, by protocol."""
    metrics: DictationMetrics
    registry: CollectorRegistry
    clock: Callable[[], float]
    """Monotonic seconds."""
