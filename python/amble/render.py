"""Pictures of characters without a window, and a window for them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from . import _amble
from .character import Character, _handles


class Renderer:
    """Draws characters or poses into numpy arrays, on a graphics card or in software (EGL, else OSMesa).

    A process has one at a time; `close` it, or use ``with``.

    Args:
        width, height: pixels.
        quality: "low", "medium" or "high".
        max_characters: in one picture.
        backend: None: the first that works; "egl", "osmesa".
    """

    def __init__(
        self,
        width: int = 1280,
        height: int = 720,
        *,
        quality: str = "medium",
        max_characters: int = 16,
        backend: str | None = None,
    ):
        if _amble.Renderer is None:
            raise _amble.UnsupportedError("this amble was built without libamble-render")
        _release_shared()
        settings = {"width": width, "height": height, "quality": quality, "max_characters": max_characters}
        self._renderer = _amble.Renderer({**settings, "backend": backend})
        self.width, self.height = width, height

    @property
    def backend(self) -> str:
        """What draws: "EGL (surfaceless)", "EGL (device)" or "OSMesa"."""
        return self._renderer.backend()

    def draw(self, characters: Character | list[Character], **camera: Any) -> np.ndarray:
        """A picture (height, width, 3), uint8, the top row first.

        camera: follow (index, -1: none), at (x, y) m, height m, azimuth rad, elevation rad, distance m, seconds s.
        """
        rgb = np.empty((self.height, self.width, 3), np.uint8)
        self._renderer.draw_characters(_handles([characters] if isinstance(characters, Character) else characters), camera, rgb)
        return rgb

    def draw_poses(self, poses: Any, down: Any = None, **camera: Any) -> np.ndarray:
        """The same of poses (n, pose_size) or one pose; down (n,) bool: those to be drawn paler."""
        poses = np.atleast_2d(np.ascontiguousarray(poses, np.float64))
        pale = np.zeros(len(poses), np.bool_) if down is None else np.ascontiguousarray(down, np.bool_)
        rgb = np.empty((self.height, self.width, 3), np.uint8)
        self._renderer.draw(poses, pale, camera, rgb)
        return rgb

    def close(self) -> None:
        self._renderer.close()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()


# Environments share one renderer, because a process has one at a time; it is remade for another size.
_lock = threading.RLock()
_shared: Any = None
_shared_size: tuple[int, int] | None = None


def _release_shared() -> None:
    global _shared, _shared_size
    with _lock:
        if _shared is not None:
            _shared.close()
        _shared, _shared_size = None, None


def frame(poses: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture of poses (n, pose_size) by the renderer that environments share."""
    global _shared, _shared_size
    with _lock:
        if _shared is None or _shared_size != (width, height):
            _shared = Renderer(width, height)
            _shared_size = (width, height)
        return _shared.draw_poses(poses)


class Window:
    """A window that shows pictures, by pygame."""

    def __init__(self, width: int, height: int, title: str):
        try:
            import pygame
        except ImportError:
            raise _amble.UnsupportedError(
                "render_mode='human' shows a window with pygame, which is not installed: pip install pygame-ce, "
                "or use render_mode='rgb_array'"
            ) from None
        self._pygame = pygame
        pygame.display.init()
        pygame.display.set_caption(title)
        self._screen = pygame.display.set_mode((width, height))
        self._clock = pygame.time.Clock()

    def show(self, picture: np.ndarray, rate: float) -> None:
        surface = self._pygame.image.frombuffer(picture.tobytes(), (picture.shape[1], picture.shape[0]), "RGB")
        self._screen.blit(surface, (0, 0))
        self._pygame.event.pump()
        self._pygame.display.flip()
        self._clock.tick(rate)

    def close(self) -> None:
        self._pygame.display.quit()
