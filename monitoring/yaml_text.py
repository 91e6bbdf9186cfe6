"""YAML text of plain values, as `rules.yml` needs it: no library, no choice of styles.

Strings of one line are written in quotes as JSON writes them, which YAML 1.2 reads the same (its
section 1.3: JSON is a subset); those with quotes or more lines in them as literal blocks.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Plain: TypeAlias = "str | int | float | Mapping[str, Plain] | Sequence[Plain]"


def yaml_text(value: Mapping[str, Plain]) -> str:
    """Write a mapping as a YAML document; keys must be words that need no quotes."""
    return "\n".join(_mapping(value, "")) + "\n"


def _mapping(value: Mapping[str, Plain], indent: str) -> list[str]:
    lines = []
    for key, each in value.items():
        lines += _entry(f"{indent}{key}:", each, indent)
    return lines


def _sequence(value: Sequence[Plain], indent: str) -> list[str]:
    lines = []
    for each in value:
        if isinstance(each, Mapping):
            first, *rest = _mapping(each, indent + "  ")
            lines += [f"{indent}- {first.lstrip()}", *rest]
        else:
            lines += _entry(f"{indent}-", each, indent)
    return lines


def _entry(start: str, value: Plain, indent: str) -> list[str]:
    match value:
        case str() if "\n" in value or '"' in value:
            return [f"{start} |-", *(f"{indent}  {line}" for line in value.splitlines())]
        case str() | int() | float():
            return [f"{start} {json.dumps(value, ensure_ascii=False)}"]
        case Mapping() if value:
            return [start, *_mapping(value, indent + "  ")]
        case Mapping():
            return [f"{start} {{}}"]
        case _ if value:
            return [start, *_sequence(value, indent + "  ")]
    return [f"{start} []"]
