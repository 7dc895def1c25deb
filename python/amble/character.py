"""Live characters: simulated humanoids that walk in styles, run, and react to pushes and falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _amble


class Pose(NamedTuple):
    """Bodies' transforms in the character's space."""

    positions: np.ndarray  #: (bodies, 3)
    rotations: np.ndarray  #: (bodies, 4) wxyz


class Event(NamedTuple):
    """Something that happened: "fell", "rising", "stood_up", "lifted", "reached", "skill_ended", "restarted"; and when,
    s."""

    type: str
    time: float


@dataclass(frozen=True)
class State:
    """A character's state at the last control step (amb_character_state)."""

    time: float
    remainder: float
    step_s: float
    velocity: tuple[float, float, float]
    angular_velocity: tuple[float, float, float]
    heading: float
    speed: float
    phase: float
    down: bool
    settled: bool
    skill: str
    style: str


class ModelSet:
    """What characters are made of: body, an actor that follows styles, and actors of single motions ("skills").

    Args (files; None: amble's own): body, locomotion, decoder, deepphase, styles, skills (a list), motions (a folder).
    """

    def __init__(self, **settings: Any):
        self._set = _amble.ModelSet(settings)
        self.styles: dict[str, float] = self._set.styles()  #: name: m/s
        self.skills: list[str] = self._set.skills()


_default: ModelSet | None = None


def _default_set() -> ModelSet:
    global _default
    if _default is None:
        _default = ModelSet()
    return _default


class Character:
    """A live character.

        hero = amble.Character(style="walk", space="unity")
        hero.request(style="zombie", heading=1.57)
        for event in hero.advance(1 / 60): ...
        positions, rotations = hero.pose()

    Args:
        models: a `ModelSet`; None: amble's own, loaded once.
        settings: space ("mujoco", "unity", "unreal", "godot", "blender"), style, position (3), heading rad, seed,
            get_up_s, entry_tries, recover (2: gets up by physics if it can; 1: must; 0: is lifted).
    """

    def __init__(self, models: ModelSet | None = None, **settings: Any):
        self.models = models if models is not None else _default_set()
        self._character = _amble.Character(self.models._set, settings)
        bodies = self._character.bodies()
        self.bodies: list[str] = [name for name, _ in bodies]
        self.parents: list[int] = [parent for _, parent in bodies]

    def request(self, **what: Any) -> None:
        """style, skill, heading rad, speed m/s, turn rad/s, cycles: only what is to change.

        A skill that is done once (a backflip) returns to the motion before it by itself.
        """
        self._character.request(what)

    def push(self, velocity: Any) -> None:
        """Changes the root's velocity by this (3,) at once: its space's units a second."""
        self._character.push(tuple(velocity))

    def pull(self, body: int | str, point: Any, target: Any) -> None:
        """Pulls a point (3,) of a body towards a point (3,) in the world, until `release`."""
        if isinstance(body, str) and body not in self.bodies:
            raise _amble.NotFoundError(f"there is no body {body!r}; there are {', '.join(self.bodies)}")
        index = self.bodies.index(body) if isinstance(body, str) else body
        self._character.pull(index, tuple(point), tuple(target))

    def release(self) -> None:
        self._character.release()

    def lift(self) -> None:
        """Puts a fallen character on its feet."""
        self._character.lift()

    def advance(self, dt: float) -> list[Event]:
        """Advances time by dt s, 0 to 60; returns what happened."""
        self._character.advance(dt)
        return self.events()

    def events(self) -> list[Event]:
        """What happened since it was last asked."""
        return [Event(*e) for e in self._character.poll()]

    def pose(self, offset: float = 0, *, local: bool = False) -> Pose:
        """Bodies in the world, or (local) relative to their parents, `offset` s from now."""
        both = np.empty((2, len(self.bodies), 7))
        self._character.pose(offset, both[0], both[1])
        rows = both[1 if local else 0]
        return Pose(rows[:, :3], rows[:, 3:])

    def rest(self, *, local: bool = False) -> Pose:
        """The rest pose."""
        both = np.empty((2, len(self.bodies), 7))
        self._character.rest(both[0], both[1])
        rows = both[1 if local else 0]
        return Pose(rows[:, :3], rows[:, 3:])

    @property
    def state(self) -> State:
        return State(**self._character.state())

    def save(self) -> bytes:
        """The whole state, for `restore` into a character of the same models."""
        return self._character.save()

    def restore(self, data: bytes) -> None:
        self._character.restore(data)

    def hash(self) -> int:
        """Of position and velocity: characters that diverged have different ones."""
        return self._character.hash()


def _handles(characters: Any) -> list[_amble.Character]:
    some = list(characters)
    for c in some:
        if not isinstance(c, Character):
            raise TypeError(f"a list of characters is expected, found {c!r}")
    return [c._character for c in some]


def advance(characters: list[Character], dt: float, *, threads: int = 1) -> None:
    """Advances many characters by dt s in one call, on so many threads (0: one a core)."""
    _amble.advance_characters(_handles(characters), dt, threads)
