"""How many machines, services and gigabytes so many people need. Pure arithmetic.

people x minutes x share of the busiest hour ──► microphones open ──► seconds of speech a second
    ──► utterances a second ──► queue (`queueing`) ──► machines so that p95 of finals is kept
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from service.planning.machines import PARTIALS_FACTOR, Machine
from service.planning.queueing import LARGEST_SEARCHED, busiest, wait_quantile_s

SPEAKING_CORES: Final = 0.01
"""Of a service's core for an open microphone: 0.89 for 90, on a busy machine of 2 cores
(`benchmarks/results/fleet.json`, 2026-11-22). Most of it finds where speech begins and ends."""
SESSION_KB: Final = 460
"""For an open microphone: 56 for a session, the rest the audio of its utterance (same source)."""
SERVICE_MB: Final = 200
"""For a service with nobody in it: 170 were measured (same source)."""
SERVICE_FULLEST: Final = 0.6
"""Of the one core a service's event loop runs on: beyond it replies come late."""
SAMPLE_BYTES_PER_S: Final = 32_000
"""PCM16, mono, 16 kHz."""
BYTES_PER_WORD: Final = 171
"""Of a word in the history, with its times, indexes and encryption: 6.33 kB for a transcript of 37
words (`benchmarks/results/history.json`, 2026-11-22)."""
SLOWEST_WISH_S: Final = 60.0
"""For p95 of finals."""
WISH_STEP_S: Final = 0.5
"""To which a wish is rounded that is proposed."""
DATABASE_CORES: Final = 2
DATABASE_MB: Final = 4_000
NATS_CORES: Final = 1
NATS_MB: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What people do; every one of these is an assumption until somebody counted."""

    people: int
    minutes_a_day: float = 30.0
    """With the microphone open, each person."""
    peak_share: float = 0.2
    """Of a day's dictation that falls into its busiest hour."""
    speech_share: float = 0.7
    """Of an open microphone's time that is speech; silence is not recognised."""
    utterance_s: float = 8.3
    """Mean length; of our 149 recordings of 3 to 25 s."""
    variation: float = 0.2
    """Squared coefficient of variation of that length; of the same recordings."""
    words_a_minute: float = 120.0
    """Of speech."""
    recorded_share: float = 0.05
    """Of dictation that comes as a recording, made without a connection."""
    days_a_year: int = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What it is to be like."""

    p95_s: float = 1.0
    """Of finals, after the last sample of an utterance."""
    partials: bool = True
    fullest: float = 0.8
    """Share of what the machines can do that the busiest hour may take."""
    spare: int = 1
    """Machines, and services, that may be away in the busiest hour."""
    trust: float = 0.5
    """How much of a published figure to plan with; measured and given ones count in full."""
    keep_audio_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The busiest hour."""

    microphones: float
    """Open, on average."""
    microphones_busiest: float
    """In all but one of a thousand moments."""
    speech_s_per_s: float
    utterances_per_s: float
    audio_mbit_per_s: float
    """To the workers and between the machines, once each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognisers:
    """Machines of one kind for the load."""

    machine: Machine
    planned_audio_s_per_s: float
    """Of each: what is known, times the trust in it, without partials."""
    needed: int | None
    """None: p95 is out of reach however many there are, and `p95_s` is that of an idle one."""
    spare: int
    busy: float
    """Share of the needed ones' time, partials included."""
    p95_s: float
    enough_s: float | None = None
    """Out of reach: a wish for p95 with which such machines will do; none: there is none."""

    @property
    def total(self) -> int:
        """Machines to have."""
        return (self.needed or 0) + self.spare


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything besides the recognisers."""

    services: int
    spare: int
    service_busy: float
    """Share of a core each, at the busiest moment, the spare one away."""
    service_mb: int
    cores: int
    memory_mb: int
    database_gb_a_year: float
    recordings_gb: float


def load_of(habits: Habits) -> Load:
    """Give the load of the busiest hour."""
    microphones = habits.people * habits.minutes_a_day * habits.peak_share / 60
    speech = microphones * habits.speech_share
    return Load(
        microphones=microphones,
        microphones_busiest=busiest(microphones),
        speech_s_per_s=speech,
        utterances_per_s=speech / habits.utterance_s,
        audio_mbit_per_s=speech * SAMPLE_BYTES_PER_S * 8 / 1e6,
    )


def recognisers(machine: Machine, habits: Habits, wishes: Wishes) -> Recognisers:
    """Give the fewest machines of a kind that keep p95 with the busiest hour's load."""
    found = _fewest(machine, habits, wishes)
    if found.needed is not None:
        return found
    # A round wish that leaves room for some wait: p95 of an idle machine is kept by nothing else.
    slower = replace(wishes, p95_s=(found.p95_s // WISH_STEP_S + 1) * WISH_STEP_S)
    if slower.p95_s > SLOWEST_WISH_S or _fewest(machine, habits, slower).needed is None:
        return found
    return replace(found, enough_s=slower.p95_s)


def _fewest(machine: Machine, habits: Habits, wishes: Wishes) -> Recognisers:
    trust = wishes.trust if machine.certainty == "published" else 1.0
    audio_s_per_s = machine.audio_s_per_s * trust
    factor = PARTIALS_FACTOR if wishes.partials else 1.0
    load = load_of(habits)
    work = load.speech_s_per_s * factor
    count = max(1, math.ceil(work / (audio_s_per_s * wishes.fullest) - 1e-9))

    def p95_with(machines: int) -> float:
        return machine.alone_s + wait_quantile_s(
            0.95,
            servers=machines * machine.lanes,
            arrivals_per_s=load.utterances_per_s,
            service_s=habits.utterance_s * factor / audio_s_per_s * machine.lanes,
            variation=habits.variation,
        )

    p95_s = machine.alone_s
    if p95_s <= wishes.p95_s:
        while (p95_s := p95_with(count)) > wishes.p95_s and count < LARGEST_SEARCHED:
            count += 1
    return Recognisers(
        machine=machine,
        planned_audio_s_per_s=audio_s_per_s,
        needed=count if p95_s <= wishes.p95_s else None,
        spare=wishes.spare,
        busy=work / (count * audio_s_per_s),
        p95_s=p95_s,
    )


def surroundings(habits: Habits, wishes: Wishes) -> Surroundings:
    """Give what services, database, NATS and recordings need."""
    load = load_of(habits)
    cores = load.microphones_busiest * SPEAKING_CORES
    services = max(1, math.ceil(cores / SERVICE_FULLEST))
    each_mb = SERVICE_MB + load.microphones_busiest * SESSION_KB / 1000 / services
    all_services = services + wishes.spare
    minutes_a_year = habits.people * habits.minutes_a_day * habits.days_a_year
    words_a_year = minutes_a_year * habits.speech_share * habits.words_a_minute
    kept_s = habits.people * habits.minutes_a_day * 60 * habits.recorded_share
    return Surroundings(
        services=services,
        spare=wishes.spare,
        service_busy=cores / services,
        service_mb=math.ceil(each_mb),
        cores=all_services + DATABASE_CORES + NATS_CORES,
        memory_mb=math.ceil(all_services * each_mb) + DATABASE_MB + NATS_MB,
        database_gb_a_year=words_a_year * BYTES_PER_WORD / 1e9,
        recordings_gb=kept_s * wishes.keep_audio_days * SAMPLE_BYTES_PER_S / 1e9,
    )
