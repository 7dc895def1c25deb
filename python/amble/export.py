"""A policy that was trained elsewhere as an ONNX file that amble's programs run."""

from __future__ import annotations

from typing import Any

import numpy as np

from .env import Env, VectorEnv


def _array(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu().numpy()
    return np.ascontiguousarray(value, np.float32)


_ACTIVATIONS = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
}
_NOTHING = {"Identity", "Dropout", "Flatten"}


def _leaves(module: Any) -> list[Any]:
    children = list(module.children())
    if not children:
        return [module]
    return [leaf for child in children for leaf in _leaves(child)]


def layers_of(module: Any) -> list[list[Any]]:
    """[[weight, bias, activation, alpha]] of a torch module that is a chain of Linear layers and activations."""
    layers: list[list[Any]] = []
    for leaf in _leaves(module):
        name = type(leaf).__name__
        if name == "Linear":
            layers.append([_array(leaf.weight), None if leaf.bias is None else _array(leaf.bias), "none", 0.0])
        elif name in _ACTIVATIONS:
            if not layers or layers[-1][2] != "none":
                raise TypeError(f"{name} does not follow a Linear layer")
            layers[-1][2] = _ACTIVATIONS[name]
            layers[-1][3] = float(getattr(leaf, "alpha", getattr(leaf, "negative_slope", 0.0)))
        elif name not in _NOTHING:
            raise TypeError(
                f"the module has a {name}, expected a chain of Linear, {', '.join(_ACTIVATIONS)}; "
                "export other networks with torch.onnx and run them with amble.Model"
            )
    if not layers:
        raise TypeError("the module has no Linear layer")
    return layers


def export_actor(
    module: Any,
    normaliser: Any,
    path: Any,
    *,
    env: Env | VectorEnv | None = None,
    clip: float = 0.0,
    half: bool = False,
    **settings: Any,
) -> None:
    """Writes a policy as an ONNX file that `amble rollout`, `amble-view` and `policy=` run.

    Args:
        module: a torch module (or a list of (weight, bias, activation, alpha)): Linear layers and activations in a chain, from
            an observation to the mean action, in the environment's units.
        normaliser: (mean, std) or (mean, std, clip), each (O,), as x = (observation - mean) / std, clipped to ±clip; None:
            none.
        path: the file, replaced as a whole.
        env: the environment that it was trained in, whose motion, rates and action mode go into the file; None: one with
            `settings` (motion=, …) is made.
        clip: of the normaliser; 0: none.
        half: weights as float16.
    """
    layers = [tuple(row) for row in (layers_of(module) if hasattr(module, "children") else module)]
    mean = std = None
    if normaliser is not None:
        mean, std = _array(normaliser[0]), _array(normaliser[1])
        if len(normaliser) > 2:
            clip = float(normaliser[2])
    inner = env if env is not None else Env(settings.pop("motion", None), **settings)
    inner = getattr(inner, "unwrapped", inner)
    inner._envs.save_actor(layers, mean, std, clip, half, path)
    if env is None:
        inner.close()
