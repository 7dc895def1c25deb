"""What the tests of the Python package share. They run from any folder, against the package that PYTHONPATH names."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The package's own motions alone, so that a machine's clips change nothing.
os.environ.pop("AMBLE_CLIPS", None)
os.environ.setdefault("AMBLE_ASSETS", str(ROOT / "assets"))

import amble  # noqa: E402


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def models():
    return amble.ModelSet()


@pytest.fixture
def run_python():
    """Runs code in a new interpreter; returns its output, and fails where it fails."""

    def run(code, timeout=60, status=0, **environment):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout, env={**os.environ, **environment}
        )
        assert done.returncode == status, done.stderr or done.stdout
        return done.stdout + (done.stderr if status else "")

    return run


@pytest.fixture(scope="session")
def program():
    return amble_program()


def amble_program():
    from amble import programs

    try:
        return programs.find("amble")
    except amble.UnsupportedError:
        pytest.skip("the program amble is not built")


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(package): runs where that is installed, as scripts/check-python.sh does")


def pytest_collection_modifyitems(config, items):
    """Drops what needs a package that is not there: the pinned environment of tests/test_python.sh is small on purpose."""
    missing = [i for i in items if any(not importlib.util.find_spec(m.args[0]) for m in i.iter_markers("needs"))]
    if missing:
        config.hook.pytest_deselected(items=missing)
        items[:] = [i for i in items if i not in missing]


def pytest_terminal_summary(terminalreporter):
    """The lines that test.sh counts, as cmocka prints them."""
    count = {kind: len(terminalreporter.stats.get(kind, [])) for kind in ("passed", "failed", "error", "skipped")}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(f"SKIPPED: python: {reason.removeprefix('Skipped: ')}")
    terminalreporter.write_line(f"[  PASSED  ] {count['passed']} test(s).")
    if count["skipped"]:
        terminalreporter.write_line(f"[  SKIPPED ] {count['skipped']} test(s).")
    if count["failed"] + count["error"]:
        terminalreporter.write_line(f"[  FAILED  ] {count['failed'] + count['error']} test(s).")
