"""Environments of the peers: one virtual environment each, in the user's cache, never in ours."""

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.contestants import Launch

_VERSIONS = """
import importlib.metadata, json
named = ((d.metadata["Name"].lower().replace("_", "-"), d.version)
         for d in importlib.metadata.distributions())
print(json.dumps(dict(named)))
"""


class Environment:
    """A virtual environment with the packages of one peer.

    Args:
        name: of its folder.
        packages: requirements installed with their dependencies.
        alone: requirements installed without their dependencies, because one of those cannot be
            installed everywhere and the server runs without it.
    """

    def __init__(
        self, name: str, *, packages: Sequence[str] = (), alone: Sequence[str] = ()
    ) -> None:
        self._packages = list(packages)
        self._alone = list(alone)
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.folder = cache / "alfavoice" / "peers" / name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def install(self) -> None:
        """Create it and install what is missing; a second call takes a second."""
        if not self.python.exists():
            _run("uv", "venv", "--quiet", "--python", "3.11", str(self.folder))
        into = ("uv", "pip", "install", "--quiet", "--python", str(self.python))
        if self._alone:
            _run(*into, "--no-deps", *self._alone)
        if self._packages:
            _run(*into, *self._packages)

    def versions(self, packages: Iterable[str]) -> dict[str, str]:
        """Give the installed versions of those `packages` that are there."""
        found: dict[str, str] = json.loads(_run(str(self.python), "-c", _VERSIONS))
        return {package: found[package] for package in packages if package in found}

    def launch(self, *arguments: str) -> Launch:
        """Start its Python with `arguments`, two threads, and no look at a model hub."""
        return Launch(
            command=[str(self.python), *arguments],
            environment={
                "OMP_NUM_THREADS": "2",
                "HF_HUB_OFFLINE": "1",
                "PYTHONUNBUFFERED": "1",
                "PYTHONSAFEPATH": "1",  # our adapters are named like the packages they start
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            },
        )


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} … failed: {done.stderr.strip()[-500:]}")
    return done.stdout
