"""The SQL of the service, kept in .sql files where a linter can read it.

A file of `queries/` holds statements, each after a line `-- name: what_it_does`.
"""

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Final

_NAME: Final = re.compile(r"^-- name: ([a-z_]+)\n", re.MULTILINE)


def statements(file: str) -> Mapping[str, str]:
    """Read the statements of `queries/<file>.sql` by name.

    Raises:
        ValueError: two statements have one name, or text stands before the first.
    """
    text = (resources.files("service.storage") / "queries" / f"{file}.sql").read_text("utf-8")
    before, *parts = _NAME.split(text.replace("\r\n", "\n"))
    names = parts[::2]
    if before.strip() or len(set(names)) != len(names):
        raise ValueError(f"{file}.sql: text before the first name, or a name twice")
    return MappingProxyType(
        {name: sql.strip() for name, sql in zip(names, parts[1::2], strict=True)}
    )
