"""Settings for one run of a command: flags over `ALFAVOICE_*` variables over defaults."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from service.commands.parsing import number_within
from service.language import Language

if TYPE_CHECKING:
    from service.settings import Settings


def add_settings_flags(parser: argparse.ArgumentParser, language: Language) -> None:
    """Offer the settings that every command which starts a recogniser takes."""
    say = language.text
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", default=None, help=say("settings.data_dir")
    )
    parser.add_argument("--model", metavar="NAME", default=None, help=say("settings.model"))
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default=None, help=say("settings.device")
    )
    parser.add_argument("--compute-type", metavar="TYPE", help=say("settings.compute_type"))
    parser.add_argument(
        "--beam",
        type=number_within(language, 1, 10, whole=True),
        metavar="N",
        help=say("settings.beam"),
    )


def settings_from(args: argparse.Namespace, **forced: object) -> "Settings":
    """Read the settings.

    Args:
        args: flags; those not given are None.
        forced: values that go before everything.

    Raises:
        SetUpError: `setup.invalid_setting`, naming the setting.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - slow to import
    from pydantic_settings import SettingsError  # noqa: PLC0415

    from service.problems import SetUpError  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    flags = {
        name: value
        for name in Settings.model_fields
        if (value := getattr(args, name, None)) is not None
    }
    try:
        return Settings.model_validate({**Settings(**flags).model_dump(), **forced})
    except SettingsError as exc:  # a list or a table that is not JSON
        raise SetUpError("setup.invalid_setting", str(exc)) from None
    except OSError as exc:
        detail = f"ALFAVOICE_SECRETS_DIR: a file cannot be read ({exc.strerror})"
        raise SetUpError("setup.invalid_setting", detail) from None
    except ValidationError as exc:
        first = exc.errors()[0]
        name, kind = ".".join(str(part) for part in first["loc"]), first["type"]
        raise SetUpError(
            "setup.invalid_setting",
            f"{name}: {first['msg']}",
            name=name,
            why=kind,
            **_bounds(first.get("ctx", {})),
        ) from None


def _bounds(context: Mapping[str, object]) -> dict[str, object]:
    """Give what a value was to keep, and nothing of the value: it may be a secret."""
    kept = {name: context[name] for name in ("le", "ge", "gt", "lt") if name in context}
    if isinstance(expected := context.get("expected"), str):
        kept["known"] = expected.replace(" or ", ", ").replace("'", "")
    return kept
