"""amble: physics-simulated humanoids driven by small neural networks.

- `make`, `Env`, `VectorEnv`: DeepMimic's environment for Gymnasium (ids such as ``amble/Walk-v0``).
- `Model`, `InferenceSession`: networks from ONNX files. `DeepPhase`, `StyleVAE`: a motion's phase and style.
- `Clip`: motion clips. `Character`: a live character. `Renderer`: pictures of both.
- `rollout`, `evaluate`: many characters under a policy. `train`: amble's own trainer. `export_actor`: a policy as an ONNX file.

Everything is computed by the C library libamble. Units are SI (m, s, rad, kg); the world's z axis points up; quaternions are
w, x, y, z. Arrays are C-contiguous numpy arrays.
"""

from . import _spin

_limited = _spin.limit()
from ._amble import (  # noqa: E402
    ArgumentError,
    Error,
    FileError,
    NotFoundError,
    OutOfMemoryError,
    PhysicsError,
    UnsupportedError,
    cpu_info,
    find_asset,
    set_assets,
)
from ._amble import version as __version__  # noqa: E402

if _limited:
    _spin.take_back()

from .character import Character, Event, ModelSet, Pose, State, advance  # noqa: E402
from .clip import Body, Clip, Skeleton, skeleton  # noqa: E402
from .env import Env, VectorEnv, make, register_envs  # noqa: E402
from .export import export_actor  # noqa: E402
from .model import InferenceSession, Model, Tensor  # noqa: E402
from .phase import DeepPhase, Period, Phase, phase_features  # noqa: E402
from .render import Renderer  # noqa: E402
from .rollout import Evaluation, Percentiles, Results, RolloutResult, evaluate, rollout  # noqa: E402
from .style import Latent, Style, StyleReport, StyleVAE  # noqa: E402
from .train import TrainingError, TrainProgress, TrainResult, train  # noqa: E402

register_envs()

__all__ = [
    "ArgumentError", "Body", "Character", "Clip", "DeepPhase", "Env", "Error", "Evaluation", "Event", "FileError",
    "InferenceSession", "Latent", "Model", "ModelSet", "NotFoundError", "OutOfMemoryError", "Percentiles", "Period", "Phase",
    "PhysicsError", "Pose", "Renderer", "Results", "RolloutResult", "Skeleton", "State", "Style", "StyleReport", "StyleVAE",
    "Tensor", "TrainProgress", "TrainResult", "TrainingError", "UnsupportedError", "VectorEnv", "__version__", "advance",
    "cpu_info", "evaluate", "export_actor", "find_asset", "make", "phase_features", "register_envs", "rollout", "set_assets",
    "skeleton", "train",
]  # fmt: skip
