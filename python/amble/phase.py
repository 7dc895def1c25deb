"""DeepPhase: a motion's phase in its cycle (after Starke, Mason and Komura 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _amble


class Phase(NamedTuple):
    """A phase, or arrays of them: the network's point (x, y) = A (cos 2πφ, sin 2πφ), φ in cycles [0, 1), A ≥ 0.

    `unwrapped`: φ in cycles, made continuous over frames; None where each frame was encoded for itself.
    """

    x: Any
    y: Any
    phase: Any
    amplitude: Any
    unwrapped: Any = None

    @classmethod
    def at(cls, cycles: float, amplitude: float = 1) -> Phase:
        """The phase after so many cycles."""
        return cls(*_amble.phase_at(cycles, amplitude))


@dataclass(frozen=True)
class Period:
    """How a motion repeats itself."""

    period: float  #: s; infinite where the phase does not advance
    velocity: float  #: cycles/s, negative for a motion that runs backwards
    cycles: float  #: that the frames cover
    confidence: float  #: [0, 1]
    short_of_two_cycles: bool


def phase_features(poses: Any, velocities: Any) -> np.ndarray:
    """DeepPhase's inputs: poses (…, 43) and velocities (…, 34) → (…, 132), float32."""
    poses, velocities = np.ascontiguousarray(poses, np.float64), np.ascontiguousarray(velocities, np.float64)
    rows = poses.reshape(-1, poses.shape[-1])
    out = np.empty((len(rows), 6 * len(_amble.phase_point_names)), np.float32)
    _amble.phase_features(rows, velocities.reshape(-1, velocities.shape[-1]), out)
    return out.reshape(*poses.shape[:-1], -1)


class DeepPhase:
    """The network that measures phases, and its six functions: encode, encode_batch, encode_sequence, velocity,
    periodicity, interpolate.

    Args:
        path: an ONNX file from 132 numbers to 2; None: amble's own.
        precision: as of `Model`.
    """

    point_names: tuple[str, ...] = tuple(_amble.phase_point_names)

    def __init__(self, path: Any = None, *, precision: str = "auto"):
        self._deepphase = _amble.DeepPhase(path, {"precision": precision})
        self._arguments = (path, precision)

    def encode(self, features: Any) -> Phase:
        """One frame (132,) → a phase of numbers."""
        rows = np.ascontiguousarray(features, np.float32)
        if rows.ndim != 1:
            raise ValueError(f"features: the array has the shape {rows.shape}, expected (132,); see encode_batch")
        return Phase(*(float(v) for v in self._encode(rows[np.newaxis], None)[0]))

    def encode_batch(self, features: Any) -> Phase:
        """Frames (n, 132), each for itself → a phase of arrays (n,)."""
        return Phase(*self._encode(np.ascontiguousarray(features, np.float32), None).T)

    def encode_sequence(self, features: Any) -> Phase:
        """Frames (n, 132) of one motion at an even rate → a phase of arrays (n,), with `unwrapped`."""
        rows = np.ascontiguousarray(features, np.float32)
        unwrapped = np.empty(len(rows))
        x, y, phase, amplitude = self._encode(rows, unwrapped).T
        return Phase(x, y, phase, amplitude, unwrapped)

    def _encode(self, rows: np.ndarray, unwrapped: np.ndarray | None) -> np.ndarray:
        phases = np.empty((len(rows), 4))
        self._deepphase.encode(rows, phases, unwrapped)
        return phases

    def velocity(self, phase: Phase, rate: float) -> np.ndarray:
        """Cycles/s at each frame of `encode_sequence`; rate: frames/s."""
        out = np.empty(len(phase.phase))
        _amble.phase_velocity(*_sequence(phase), rate, out)
        return out

    def periodicity(self, phase: Phase, rate: float) -> Period:
        """The period of a motion from `encode_sequence`; rate: frames/s."""
        return Period(**_amble.phase_periodicity(*_sequence(phase), rate))

    def interpolate(self, a: Phase, b: Phase, weight: float) -> Phase:
        """Between two phases of numbers, weight 0 to 1, along the shorter arc."""
        return Phase(*_amble.phase_interpolate(tuple(a[:4]), tuple(b[:4]), weight))

    def __reduce__(self):
        return _rebuild, self._arguments


def _rebuild(path: Any, precision: str) -> DeepPhase:
    return DeepPhase(path, precision=precision)


def _sequence(phase: Phase) -> tuple[np.ndarray, np.ndarray]:
    if phase.unwrapped is None:
        raise ValueError("the phases are not of one motion: use encode_sequence")
    return np.ascontiguousarray(np.stack(phase[:4], axis=-1)), np.ascontiguousarray(phase.unwrapped)
