"""The programs amble, amble-view and amble-serve, as the package has them; its console scripts become them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from . import _amble


def find(name: str) -> str:
    """The path of a program: in the package, else in the build folder around it, else in PATH."""
    package = Path(__file__).absolute().parent
    extension = Path(_amble.__file__).absolute().parent
    for folder in (package / "bin", extension / "bin", extension.parent.parent):
        path = folder / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    found = shutil.which(name)
    if found and Path(found).resolve().parent != Path(sys.executable).resolve().parent:
        return found
    raise _amble.UnsupportedError(f"{name} is not in this package: it was built without what {name} needs")


def _become(name: str) -> None:
    try:
        path = find(name)
    except _amble.UnsupportedError as error:
        sys.exit(f"amble: {error}")
    os.execv(path, [name, *sys.argv[1:]])


def amble() -> None:
    _become("amble")


def amble_view() -> None:
    _become("amble-view")


def amble_serve() -> None:
    _become("amble-serve")
