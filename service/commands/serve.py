"""`alfavoice serve`: run the service until it is told to stop."""

import argparse
import os
import signal
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from service.commands.configuration import add_settings_flags, settings_from
from service.commands.parsing import port_number
from service.language import Language
from service.problems import SetUpError

if TYPE_CHECKING:
    from service.app import RunningServer
    from service.settings import Settings


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "serve", help=say("serve.help"), description=say("serve.help"), allow_abbrev=False
    )
    parser.add_argument("--host", metavar="ADDRESS", help=say("serve.host"))
    parser.add_argument(
        "--port", type=port_number(language), metavar="PORT", help=say("serve.port")
    )
    add_settings_flags(parser, language)
    parser.add_argument(
        "--log-format", choices=("auto", "json", "console"), help=say("serve.log_format")
    )
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), help=say("serve.log_level")
    )
    parser.add_argument("--with-parent", action="store_true", help=say("serve.with_parent"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, language: Language) -> int:
    """Serve; give the exit status."""
    settings = settings_from(args)

    from service.accounts.links import welcome_link  # noqa: PLC0415 - slow to import
    from service.app import serve  # noqa: PLC0415
    from service.client.servers import local_address  # noqa: PLC0415

    def announce(server: "RunningServer") -> None:
        print(ready(language, server.url, local_address(settings, port=_port(server))), flush=True)  # noqa: T201
        if server.setup_token is not None:
            link = local_address(settings, port=_port(server))
            link += welcome_link(server.setup_token)
            for line in to_set_up(language, link, left=server.left_without_login):
                print(line, flush=True)  # noqa: T201

    def say_draining() -> None:
        seconds = f"{settings.drain_s:.0f}"
        print(language.text("serve.draining", seconds=seconds), flush=True)  # noqa: T201

    if args.with_parent:
        threading.Thread(target=_stop_when_alone, name="parent", daemon=True).start()
    try:
        return serve(settings, announce=announce, say_draining=say_draining)
    except SetUpError as exc:
        raise _by_ours(exc, settings) from exc


def _by_ours(error: SetUpError, settings: "Settings") -> SetUpError:
    """Say of a port in use that a server of ours has it, where it is so; other errors as they are."""
    from service.client.servers import local_address, server_state  # noqa: PLC0415

    address = local_address(settings)
    if error.details.get("why") != "taken" or server_state(address) in ("other", "absent"):
        return error
    return SetUpError(
        error.code,
        f"AlfaVoice serves at {address} already; choose another port with --port for a second server",
        **{**error.details, "why": "ours", "address": address},
    )


def ready(language: Language, url: str, local: str) -> str:
    """Say where to dictate: an address to listen on everywhere is none to open.

    Args:
        language: to say it in.
        url: of the server, with the address it listens on.
        local: at which it is reached from this machine.
    """
    if urlsplit(url).hostname not in ("0.0.0.0", "::"):  # noqa: S104
        return language.text("serve.ready", url=url)
    return language.text("serve.ready_beyond", url=local, port=urlsplit(local).port)


def _port(server: "RunningServer") -> int | None:
    return urlsplit(server.url).port


def to_set_up(language: Language, link: str, *, left: int) -> list[str]:
    """Say how the first administrator is made, and what they will not see.

    Args:
        language: to say it in.
        link: with which they make their account.
        left: texts that were dictated without login.
    """
    lines = [language.text("serve.setup", link=link)]
    return [*lines, language.text("users.left", count=left)] if left else lines


def _stop_when_alone() -> None:
    """Stop as on SIGTERM once nobody holds the other end of standard input.

    A pipe is closed by the system however its writer ends, so a client that is killed leaves no
    server behind; and it works where there are no signals between programs.
    """
    # Not through `sys.stdin`: its lock, held while this waits, would be held in forked children too.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
