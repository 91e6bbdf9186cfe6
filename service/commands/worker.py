"""`alfavoice worker`: recognise on this machine for services on others, until told to stop."""

import argparse
import signal

from service.commands.configuration import add_settings_flags, settings_from
from service.language import Language


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "worker", help=say("worker.help"), description=say("worker.description"), allow_abbrev=False
    )
    parser.add_argument("--nats", dest="nats_url", metavar="URL", help=say("worker.nats"))
    parser.add_argument(
        "--metrics", dest="worker_metrics", metavar="HOST:PORT", help=say("worker.metrics")
    )
    add_settings_flags(parser, language)
    parser.add_argument(
        "--log-format", choices=("auto", "json", "console"), help=say("serve.log_format")
    )
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), help=say("serve.log_level")
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, language: Language) -> int:
    """Recognise; give the exit status."""
    settings = settings_from(args)

    import asyncio  # noqa: PLC0415 - this and what follows is slow to import

    from service.event_loop import event_loop_runner  # noqa: PLC0415
    from service.operations.logs import configure_logs  # noqa: PLC0415
    from service.recogniser import worker  # noqa: PLC0415

    configure_logs(settings.log_format, settings.log_level)

    def announce() -> None:
        print(language.text("worker.ready"), flush=True)  # noqa: T201

    async def work() -> None:
        stop, hurry = asyncio.Event(), asyncio.Event()

        def stop_or_hurry() -> None:
            if stop.is_set():
                hurry.set()
            else:
                print(language.text("worker.draining"), flush=True)  # noqa: T201
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop_or_hurry)
        await worker(settings, stop=stop, hurry=hurry, announce=announce)

    with event_loop_runner() as runner:
        runner.run(work())
    return 0
