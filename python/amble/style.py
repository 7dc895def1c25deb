"""Styles of walking and running: StyleVAE's latents, named styles, mixtures, and the motions they encode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _amble
from .clip import Clip


@dataclass
class Latent:
    """A style: a latent and how much slower than decoded it is played."""

    z: np.ndarray  #: (latent_size,) float32
    scale: float = 1.0
    speed: float = 0.0  #: m/s, about; 0: unknown
    tempo: float = 0.0  #: cycles/s, about; 0: unknown

    def _numbers(self) -> tuple[float, float, float]:
        return (self.scale, self.speed, self.tempo)


@dataclass(frozen=True)
class Style:
    """A named style."""

    name: str
    clip: str  #: that it is the style of
    period: float  #: s
    speed: float  #: m/s
    scale: float
    spread: float  #: root mean square distance of the latents of the clip's cycles from the style's


@dataclass(frozen=True)
class StyleReport:
    """Measurements of a motion decoded from a style (amb_style_report)."""

    period: float
    speed: float
    stretch: float
    confidence: float
    close: float
    fit: float
    skate: float


class StyleVAE:
    """The variational autoencoder of windows of motion (2 s: 60 frames of 73 features).

    Args:
        encoder, decoder, deepphase, styles: files; None: amble's own.
        without_encoder: do not load the encoder, which takes most of the time.
        precision: as of `Model`.
    """

    def __init__(self, **settings: Any):
        self._vae = _amble.StyleVAE(settings)
        self._settings = settings
        info = self._vae.info()
        self.latent_size: int = info["latent_size"]
        self.window_frames: int = info["window_frames"]
        self.window_features: int = info["window_features"]
        self.window_rate: float = info["window_rate"]
        self.styles: dict[str, Style] = {s["name"]: Style(**s) for s in self._vae.styles()}

    def parse(self, text: str) -> Latent:
        """A name, or a mixture "walk:0.7,zombie:0.3"."""
        z = np.empty(self.latent_size, np.float32)
        return Latent(z, *self._vae.parse(text, z))

    def blend(self, a: Latent, b: Latent, weight: float) -> Latent:
        """From a (0) to b (1)."""
        z = np.empty(self.latent_size, np.float32)
        return Latent(z, *self._vae.blend(_z(a), a._numbers(), _z(b), b._numbers(), weight, z))

    def of_clip(self, clip: Clip) -> Latent:
        """The style of a clip that walks."""
        z = np.empty(self.latent_size, np.float32)
        return Latent(z, *self._vae.of_clip(clip, z))

    def to_clip(self, latent: Latent | str, name: str = "style") -> tuple[Clip, StyleReport]:
        """A style, or its name, as a clip: one cycle, a loop along the x axis."""
        some = self.parse(latent) if isinstance(latent, str) else latent
        clip, report = self._vae.to_clip(_z(some), some._numbers(), name)
        return Clip._wrap(clip), StyleReport(**report)

    def window(self, clip: Clip, time: float, scale: float = 1) -> np.ndarray:
        """(60, 73), float32: the features of a clip from `time` s on, played `scale` times faster."""
        out = np.empty((self.window_frames, self.window_features), np.float32)
        self._vae.window(clip, time, scale, out)
        return out

    def encode(self, windows: Any) -> tuple[np.ndarray, np.ndarray]:
        """Windows (n, 60, 73) → mean and log-variance of their latents, (n, 256) each; one window without n."""
        rows = np.ascontiguousarray(windows, np.float32)
        single = rows.ndim == 2
        rows = rows[np.newaxis] if single else rows
        mean, log_variance = (np.empty((len(rows), self.latent_size), np.float32) for _ in range(2))
        self._vae.encode(rows, mean, log_variance)
        return (mean[0], log_variance[0]) if single else (mean, log_variance)

    def decode(self, latents: Any) -> np.ndarray:
        """Latents (n, 256) → windows (n, 60, 73); one latent without n."""
        rows = np.ascontiguousarray(latents, np.float32)
        single = rows.ndim == 1
        rows = rows[np.newaxis] if single else rows
        out = np.empty((len(rows), self.window_frames, self.window_features), np.float32)
        self._vae.decode(rows, out)
        return out[0] if single else out

    def __reduce__(self):
        return _rebuild, (self._settings,)


def _rebuild(settings: dict[str, Any]) -> StyleVAE:
    return StyleVAE(**settings)


def _z(latent: Latent) -> np.ndarray:
    return np.ascontiguousarray(latent.z, np.float32)
