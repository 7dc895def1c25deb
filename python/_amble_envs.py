"""amble's environments in Gymnasium's registry.

Gymnasium calls `register_envs` while it is imported itself, where amble is installed; so this imports neither amble nor, before it is
called, gymnasium.
"""

from typing import Any

#: Gymnasium's ids and the settings that they stand for. Backflip is a recording of amble's own policy in simulation; what
#: is not among amble's own motions is read from the folder of clips (``clips=`` or ``$AMBLE_CLIPS``).
ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "amble/Walk-v0": {"motion": "style_walk"},
    "amble/Jog-v0": {"motion": "style_jog"},
    "amble/Run-v0": {"motion": "style_run"},
    "amble/Zombie-v0": {"motion": "style_zombie"},
    "amble/Backflip-v0": {"motion": "sim_backflip"},
    "amble/GetUp-v0": {"motion": "getup_facedown"},
    "amble/Styles-v0": {"motion": "style:random", "goal": True},
}


def register_envs() -> None:
    """Registers `ENVIRONMENTS` with Gymnasium. Importing amble does it; so does Gymnasium itself where amble is installed."""
    from gymnasium.envs.registration import register, registry

    for name, settings in ENVIRONMENTS.items():
        if name not in registry:
            register(
                id=name,
                entry_point="amble.env:Env",
                vector_entry_point="amble.env:VectorEnv",
                kwargs=settings,
                nondeterministic=False,
            )
