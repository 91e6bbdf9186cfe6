"""`alfavoice plan`: how many GPUs and what else so many people need."""

import argparse
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from service.commands.parsing import grouped, number_within
from service.language import Language

if TYPE_CHECKING:
    from service.planning.machines import Machine

T = TypeVar("T")

GIVEN_ALONE_S: Final = 0.5
"""p95 of a final on an idle machine of which only the throughput was given."""


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    from service.planning.plan import Habits, Wishes  # noqa: PLC0415 - only what it needs

    say, within = language.text, partial(number_within, language)
    parser = subparsers.add_parser(
        "plan", help=say("plan.help"), description=say("plan.description"), allow_abbrev=False
    )
    parser.add_argument(
        "--users",
        dest="people",
        type=within(1, 1_000_000, whole=True),
        metavar="N",
        required=True,
        help=say("plan.users"),
    )
    habits, wishes = Habits(people=1), Wishes()
    for group, defaults, ranges in ((say("plan.habits"), habits, _HABITS), (say("plan.wishes"), wishes, _WISHES)):  # fmt: skip
        section = parser.add_argument_group(group)
        for name, (low, high) in ranges.items():
            value = getattr(defaults, name)
            section.add_argument(
                "--" + name.replace("_", "-"),
                type=within(low, high, whole=isinstance(value, int)),
                default=value,
                metavar="N",
                help=f"{say(f'plan.of.{name}')} ({grouped(value, language)})",
            )
        if defaults is wishes:
            section.add_argument(
                "--no-partials", dest="partials", action="store_false", help=say("plan.no_partials")
            )
    machine = parser.add_argument_group(say("plan.machines"))
    machine.add_argument("--machine", metavar="NAME", help=say("plan.machine"))
    machine.add_argument("--measured", type=Path, metavar="FILE", help=say("plan.measured"))
    machine.add_argument(
        "--throughput", type=within(0.1, 1e6), metavar="X", help=say("plan.throughput")
    )
    machine.add_argument(
        "--alone",
        type=within(0.01, 60),
        default=GIVEN_ALONE_S,
        metavar="S",
        help=say("plan.alone"),
    )
    machine.add_argument(
        "--lanes", type=within(1, 64, whole=True), default=1, metavar="N", help=say("plan.lanes")
    )
    parser.add_argument("--json", action="store_true", help=say("plan.json"))
    parser.set_defaults(run=run)


_HABITS: Final = {
    "minutes_a_day": (0.1, 1440.0),
    "peak_share": (0.01, 1.0),
    "speech_share": (0.05, 1.0),
    "utterance_s": (0.5, 30.0),
    "words_a_minute": (1.0, 400.0),
    "recorded_share": (0.0, 1.0),
    "days_a_year": (1, 366),
}
_WISHES: Final = {
    "p95_s": (0.05, 60.0),
    "fullest": (0.05, 0.99),
    "spare": (0, 100),
    "trust": (0.01, 1.0),
    "keep_audio_days": (0, 36500),
}


def run(args: argparse.Namespace, language: Language) -> int:
    """Plan; give 0, or 1 when no kind of machine gives what is wanted."""
    from service.commands.plan_report import as_json, as_text  # noqa: PLC0415
    from service.planning.plan import (  # noqa: PLC0415
        Habits,
        Wishes,
        load_of,
        recognisers,
        surroundings,
    )

    habits, wishes = _taken(args, Habits), _taken(args, Wishes)
    found = [recognisers(machine, habits, wishes) for machine in _machines(args)]
    around = surroundings(habits, wishes)
    write = as_json if args.json else as_text
    print(  # noqa: T201
        write(
            habits=habits,
            wishes=wishes,
            load=load_of(habits),
            recognisers=found,
            surroundings=around,
            language=language,
        )
    )
    return 0 if any(each.needed is not None for each in found) else 1


def _taken(args: argparse.Namespace, kind: type[T]) -> T:
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: getattr(args, name) for name in names if hasattr(args, name)})


def _machines(args: argparse.Namespace) -> "list[Machine]":
    """Give what the operator measured or named, else all of the table.

    Raises:
        SetUpError: `setup.no_measurement`, `setup.no_such_machine`.
    """
    from service.planning.machines import Machine, measured, shipped  # noqa: PLC0415
    from service.problems import SetUpError  # noqa: PLC0415

    if args.measured:
        machine = measured(args.measured)
        return [replace(machine, name=args.machine or machine.name)]
    known = shipped()
    if args.throughput:
        like = known.get(args.machine or "", None)
        return [
            Machine(
                name=args.machine or "given",
                model=like.model if like else "?",
                gpu=like.gpu if like else True,
                lanes=args.lanes,
                audio_s_per_s=args.throughput,
                alone_s=args.alone,
                cores=like.cores if like else 4,
                memory_mb=like.memory_mb if like else 8000,
                certainty="given",
                source="--throughput",
            )
        ]
    if not args.machine:
        return list(known.values())
    if args.machine not in known:
        names = ", ".join(known)
        raise SetUpError(
            "setup.no_such_machine",
            f"no figures of {args.machine} come along; there are {names}; or give your own with "
            "--throughput or --measured",
            name=args.machine,
            known=names,
        )
    return [known[args.machine]]
