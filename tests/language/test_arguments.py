"""Help and refusals of the parser of commands, in the language of everything else."""

import argparse
import re

import pytest

from service.commands.program import run


@pytest.fixture(autouse=True)
def russian(monkeypatch):
    monkeypatch.setenv("ALFAVOICE_LANGUAGE", "ru")


def said_of(capsys, *arguments):
    with pytest.raises(SystemExit):
        run(arguments)
    told = capsys.readouterr()
    return told.out + told.err


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["text", "купи", "молоко"], "ошибка: лишнее в команде: молоко"),
        (["history"], "ошибка: КОМАНДА: 'history' не годится, есть:"),
        (["serv", "--port", "1"], "ошибка: КОМАНДА: 'serv' не годится, есть:"),
        (
            ["transcibe", "--server", "http://x", "a.wav"],
            "ошибка: КОМАНДА: 'transcibe' не годится, есть:",
        ),
        (["--language", "ru", "serv", "--port=1"], "ошибка: КОМАНДА: 'serv' не годится, есть:"),
        (["transcribe"], "ошибка: не указано: FILE"),
        (
            ["serve", "--port", "x"],
            "ошибка: --port: 'x' не годится (нужно целое число от 0 до 65 535)",
        ),
        (["serve", "--port", "99999"], "'99999' не годится (нужно целое число от 0 до 65 535)"),
        (["doctor", "--port", "-1"], "'-1' не годится (нужно целое число от 0 до 65 535)"),
        (
            ["serve", "--beam", "11"],
            "ошибка: --beam: '11' не годится (нужно целое число от 1 до 10)",
        ),
        (["users", "role", "x"], "ошибка: не указано: user|admin"),
        (["users", "role", "x", "boss"], "user|admin: 'boss' не годится, есть: 'user', 'admin'"),
        (["serve", "--port"], "ошибка: --port: нужно одно значение"),
        (["serve", "--port=1.5"], "'1.5' не годится (нужно целое число от 0 до 65 535)"),
        (
            ["plan", "--users", "5", "--peak-share", "1,2"],
            "'1,2' не годится (нужно число от 0,01 до 1",
        ),
        (["plan", "--users", "1,5"], "'1,5' не годится (нужно целое число от 1 до 1 000 000)"),
        (
            ["plan", "--users", "x"],
            "ошибка: --users: 'x' не годится (нужно целое число от 1 до 1 000 000)",
        ),
        (["plan", "--users", "0"], "'0' не годится (нужно целое число от 1 до 1 000 000)"),
        (
            ["plan", "--users", "5", "--p95-s", "nan"],
            "--p95-s: 'nan' не годится (нужно число от 0,05 до 60)",
        ),
        (
            ["users", "invite", "--days", "100"],
            "ошибка: --days: '100' не годится (нужно целое число от 1 до 90)\n",
        ),
        (["--nope"], "ошибка: --nope: до команды такого ключа нет; ключи команды пишут после неё"),
        (["--nope=1", "--language", "ru"], "alfavoice КОМАНДА --nope …"),
        (
            ["--language", "ru", "--server", "http://x", "transcribe", "a.wav"],
            "ключи команды пишут после неё: alfavoice transcribe --server …",
        ),
        (["users"], "ошибка: не указано: КОМАНДА"),
    ],
)
def test_what_is_wrong_with_a_command_is_said_in_russian(capsys, arguments, refusal):
    said = said_of(capsys, *arguments)
    assert refusal in said
    assert said.startswith("использование: alfavoice")
    assert "argument" not in said


def test_a_fraction_may_be_written_as_the_plan_writes_it(capsys):
    assert run(["plan", "--users", "5", "--peak-share", "0,25", "--p95-s", "2.5"]) == 0
    said = capsys.readouterr().out
    assert "час: 0,25\n" in said
    assert "p95, с: 2,5\n" in said
    assert "(0,2)" in said_of(capsys, "plan", "--help")
    # In English it would be a thousand.
    refused = said_of(
        capsys, "--language", "en", "plan", "--users", "5", "--minutes-a-day", "1,000"
    )
    assert "'1,000' will not do" in refused


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("PORT", "99999", "port — нужно не больше 65535"),
        ("PORT", "-1", "port — нужно не меньше 0"),
        ("PORT", "many", "port — нужно целое число"),
        ("DRAIN_S", "0", "drain_s — нужно больше 0"),
        ("DRAIN_S", "долго", "drain_s — нужно число"),
        ("LOGIN", "maybe", "login — такого нет, есть: auto, required, off"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_in_russian(capsys, monkeypatch, name, value, refusal):
    monkeypatch.setenv(f"ALFAVOICE_{name}", value)
    assert run(["serve"]) == 1
    assert refusal in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["--help"], ["text", "--help"], ["users", "--help"]])
def test_help_has_no_english_headings(capsys, command):
    said = said_of(capsys, *command)
    assert "показать эту справку" in said
    assert re.findall(r"^[a-z ]+:", said, re.MULTILINE) == []


def test_english_keeps_the_parsers_own_words_and_nobody_elses_parser_is_changed(capsys):
    assert "unrecognized arguments: b" in said_of(capsys, "--language", "en", "text", "a", "b")
    said = said_of(capsys, "--language", "en", "plan", "--users", "1_000_001")
    assert "'1_000_001' will not do: a whole number from 1 to 1,000,000 is wanted" in said
    said_of(capsys, "text", "a", "b")
    assert "usage: other" in argparse.ArgumentParser(prog="other").format_help()
