"""amble's own trainer, `amble train`, as a child process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _amble, programs


class TrainingError(_amble.Error, RuntimeError):
    """`amble train` refused its settings, or failed; its sentence."""


@dataclass(frozen=True)
class TrainProgress:
    """The state of a training after an iteration. Returns and rewards are those of noisy actions."""

    samples: int
    wall_s: float
    samples_per_s: float
    episode_s: float
    normalised_return: float
    survived: float
    step_reward: float
    kl: float


@dataclass(frozen=True)
class TrainResult:
    """What a training left behind."""

    folder: Path
    actor: Path
    critic: Path
    checkpoint: Path
    stopped: bool  #: by Ctrl-C or by the callback; the files are complete, and `resume` goes on
    history: list[TrainProgress]

    @property
    def normalised_return(self) -> float:
        """Of the last iteration, with exploration noise."""
        return self.history[-1].normalised_return if self.history else float("nan")


def _options(settings: dict[str, Any]) -> list[str]:
    options = []
    for name, value in settings.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            options.append(option)
        elif isinstance(value, list | tuple):
            options += [f"{option}={item}" for item in value]
        elif value is not None and value is not False:
            options.append(f"{option}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
    return options


class _Lines:
    """The lines of JSON that the child appends to a file."""

    def __init__(self, path: str):
        self._file = open(path, "rb")  # noqa: SIM115: closed below
        self._rest = b""

    def read(self) -> list[TrainProgress]:
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [TrainProgress(**json.loads(line)) for line in lines]

    def close(self) -> None:
        self._file.close()


def _interrupt(child: subprocess.Popen) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGINT)


def train(
    motion: Any = None,
    *,
    out: Any = None,
    callback: Callable[[TrainProgress], Any] | None = None,
    clip: Any = None,
    **settings: Any,
) -> TrainResult:
    """Trains an actor and a critic, and returns where they are.

    Args:
        motion: a clip's name or file. Instead: clip=an `amble.Clip`, style="walk" or "random", resume=a checkpoint.
        out: the run folder; None: runs/MOTION.
        callback: called with a `TrainProgress` after each iteration; return False to stop.
        settings: the options of `amble train` with _ for -: samples=2e6, minutes=10, envs=64, seed=1, threads=2, …
            (`amble train --help`).

    Ctrl-C, or False from the callback, stops the training once it has saved its networks; the result says so.
    Raises TrainingError with the program's sentence.
    """
    lines = None
    result: dict[str, Any] = {}
    history: list[TrainProgress] = []
    stopped = False
    with tempfile.TemporaryDirectory(prefix="amble-train-") as work:
        progress, summary, errors = (os.path.join(work, name) for name in ("progress", "summary", "errors"))
        open(progress, "wb").close()
        command = [programs.find("amble"), "train", f"--progress={progress}", f"--json={summary}"]
        if clip is not None and motion is not None:
            raise _amble.ArgumentError("train: motion and clip are given, expected one of them")
        if clip is not None:
            motion = os.path.join(work, f"{clip.name}.txt")
            clip.save(motion)
        if motion is not None:
            command.append(f"--motion={os.fspath(motion)}")
        if out is not None:
            command.append(f"--out={os.fspath(out)}")
        command += _options(settings)
        lines = _Lines(progress)
        # A session of its own: Ctrl-C reaches it from here, once, and not from the terminal as well.
        with open(errors, "wb") as sink, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink, start_new_session=True
        ) as child:
            try:
                ended = False
                while not ended:
                    try:
                        ended = child.poll() is not None
                        for step in lines.read():
                            history.append(step)
                            if callback is not None and not stopped and callback(step) is False:
                                stopped = True
                                _interrupt(child)
                        if not ended:
                            time.sleep(0.05)
                    except KeyboardInterrupt:
                        if stopped:
                            raise
                        stopped = True
                        _interrupt(child)
            except BaseException:
                child.kill()
                raise
            finally:
                lines.close()
        text = Path(errors).read_text(errors="replace").strip()
        if child.returncode not in (0, 130):
            sentences = [line for line in text.splitlines() if line.startswith("amble")] or text.splitlines()
            raise TrainingError(sentences[0] if sentences else f"amble train ended with {child.returncode}")
        result = json.loads(Path(summary).read_text())
    folder = Path(result["folder"])
    return TrainResult(
        folder, folder / "actor.onnx", folder / "critic.onnx", folder / "checkpoint.bin", stopped or child.returncode == 130, history
    )
