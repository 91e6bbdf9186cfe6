"""A plan as a person reads it, or as JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from service.language import Language

if TYPE_CHECKING:
    from service.planning.plan import Habits, Load, Recognisers, Surroundings, Wishes


def as_json(
    *,
    habits: "Habits",
    wishes: "Wishes",
    load: "Load",
    recognisers: "Sequence[Recognisers]",
    surroundings: "Surroundings",
    language: Language,
) -> str:
    """Give everything that went in and came out."""
    document = {
        "habits": asdict(habits),
        "wishes": asdict(wishes),
        "load": asdict(load),
        "recognisers": [asdict(each) for each in recognisers],
        "surroundings": asdict(surroundings),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def as_text(
    *,
    habits: "Habits",
    wishes: "Wishes",
    load: "Load",
    recognisers: "Sequence[Recognisers]",
    surroundings: "Surroundings",
    language: Language,
) -> str:
    """Say what is assumed, what follows, and how sure each figure is."""

    def say(key: str, **values: object) -> str:
        return language.text(
            f"plan.{key}", **{name: _written(value, language) for name, value in values.items()}
        )

    around = surroundings
    lines = [
        say("assumed", people=habits.people),
        *(f"  {say(f'of.{name}')}: {_written(value, language)}" for name, value in _shown(habits)),
        "",
        say("wanted"),
        *(f"  {say(f'of.{name}')}: {_written(value, language)}" for name, value in _shown(wishes)),
        f"  {say('of.partials')}: {say('yes' if wishes.partials else 'no')}",
        "",
        say("load"),
        f"  {say('microphones', mean=load.microphones, most=load.microphones_busiest)}",
        f"  {say('speech', speech=load.speech_s_per_s, utterances=load.utterances_per_s)}",
        "",
        say("recognisers"),
        *(f"  {line}" for each in recognisers for line in _machine_lines(each, say, language)),
        "",
        say("around"),
        "  "
        + say(
            "services",
            count=around.services,
            spare=around.spare,
            busy=f"{around.service_busy:.0%}",
            memory=around.service_mb,
        ),
        f"  {say('rest', cores=around.cores, memory=around.memory_mb / 1000)}",
        f"  {say('network', rate=load.audio_mbit_per_s)}",
        f"  {say('database', size=around.database_gb_a_year)}",
        f"  {say('recordings', size=around.recordings_gb, days=wishes.keep_audio_days)}",
        "",
        say("caution"),
    ]
    return "\n".join(lines)


def _machine_lines(each: "Recognisers", say: Callable[..., str], language: Language) -> list[str]:
    machine = each.machine
    kind = say("gpu" if machine.gpu else "cpu")
    head = say("machine_line", name=machine.name, model=machine.model, kind=kind)
    source = say(
        f"certainty.{machine.certainty}",
        known=machine.audio_s_per_s,
        planned=each.planned_audio_s_per_s,
        source=machine.source_in(language.code),
    )
    if each.needed is None:
        beyond = say("out_of_reach", p95=each.p95_s)
        if each.enough_s is not None:
            beyond = say("enough_if", p95=each.p95_s, enough=each.enough_s)
        return [head, "  " + beyond, "  " + source]
    found = say(
        "needed",
        count=each.needed,
        spare=each.spare,
        busy=f"{each.busy:.0%}",
        p95=each.p95_s,
        cores=each.total * machine.cores,
        memory=each.total * machine.memory_mb / 1000,
    )
    return [head, "  " + found, "  " + source]


def _shown(of: "Habits | Wishes") -> list[tuple[str, float]]:
    """Give the figures that have a flag."""
    given: Mapping[str, object] = asdict(of)
    left_out = {"people", "partials", "variation"}
    return [(name, float(str(value))) for name, value in given.items() if name not in left_out]


def _written(value: object, language: Language) -> str:
    """Write a number as people of that language do, to three digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    if language.code == "ru":
        return text.replace(",", "\u00a0").replace(".", ",")
    return text
