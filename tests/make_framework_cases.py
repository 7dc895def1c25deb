"""Makes networks as rl_games, skrl and JAX build and export them, beside those of tests/make_graph_cases.py and of the same form: small networks
with inputs and the outputs of the framework that made them. Also a small actor of the humanoid that is a graph.

    python3 tests/make_framework_cases.py [FOLDER]        needs torch 2.13.0, onnx, onnxscript, numpy, rl_games, skrl 2.1, jax, jax2onnx

The networks are those that the frameworks build from their own settings; the wrapper around them is the one that users write to export a policy:
normalise the observation, return the mean action.
"""

import os
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")
FOLDER = sys.argv[1] if len(sys.argv) > 1 else "tests/data/graph/exports"
ROWS, OBS, ACT = 5, 18, 6


def save(name, model, inputs, outputs):
    if isinstance(model, str):
        model = onnx.load(model)
    onnx.checker.check_model(model)
    for v in list(model.graph.value_info):
        model.graph.value_info.remove(v)
    model.doc_string = model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for v in list(model.graph.input) + list(model.graph.output) + list(model.graph.initializer):
        if hasattr(v, "metadata_props"):
            del v.metadata_props[:]
    del model.graph.metadata_props[:]
    path = f"{FOLDER}/{name}.onnx"
    onnx.save(model, path)
    assert os.path.getsize(path) <= 30 << 10, (name, os.path.getsize(path))
    for kind, arrays in (("in", inputs), ("out", outputs)):
        for key, x in arrays.items():
            np.save(f"{FOLDER}/{name}.{kind}.{key}.npy", np.asarray(x, order="C"))
    print(name, os.path.getsize(path), "bytes;", sorted({n.op_type for n in model.graph.node}))


def export_torch(name, module, obs, names, **how):
    import torch

    module.eval()
    temporary = f"{FOLDER}/{name}.tmp.onnx"
    with torch.no_grad():
        out = module(obs)
    out = out if isinstance(out, tuple) else (out,)
    torch.onnx.export(module, (obs,), temporary, input_names=["obs"], output_names=names, **how)
    model = onnx.load(temporary)
    for left in (temporary, temporary + ".data"):
        if os.path.exists(left):
            os.remove(left)
    save(name, model, {"obs": obs.numpy()}, {k: v.detach().numpy() for k, v in zip(names, out)})


def rl_games():
    import torch
    from rl_games.algos_torch.models import ModelA2CContinuousLogStd
    from rl_games.algos_torch.network_builder import A2CBuilder

    torch.manual_seed(1)
    builder = A2CBuilder()
    builder.load({
        "name": "actor_critic", "separate": False,
        "space": {"continuous": {"mu_activation": "None", "sigma_activation": "None", "mu_init": {"name": "default"},
                                 "sigma_init": {"name": "const_initializer", "val": 0}, "fixed_sigma": True}},
        "mlp": {"units": [32, 16], "activation": "elu", "d2rl": False, "initializer": {"name": "default"}, "regularizer": {"name": "None"}},
    })
    model = ModelA2CContinuousLogStd(builder).build({
        "actions_num": ACT, "input_shape": (OBS,), "num_seqs": 1, "value_size": 1, "normalize_value": True, "normalize_input": True})
    scaler = model.running_mean_std
    with torch.no_grad():
        scaler.running_mean.normal_()
        scaler.running_var.uniform_(0.2, 3)

    class Policy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = model.a2c_network
            self.mean, self.var, self.epsilon = scaler.running_mean.clone(), scaler.running_var.clone(), scaler.epsilon

        def forward(self, obs):  # rl_games' RunningMeanStd is a script of its own, which a trace cannot enter: the same written out
            scaled = torch.clamp((obs - self.mean.float()) / torch.sqrt(self.var.float() + self.epsilon), -5, 5)
            mu, log_std, value, _ = self.network({"obs": scaled, "is_train": False})
            return mu, log_std, value

    model.eval()
    export_torch("rl_games", Policy(), torch.randn(ROWS, OBS), ["mu", "log_std", "value"], dynamo=False, opset_version=13,
                 dynamic_axes={k: {0: "batch"} for k in ("obs", "mu", "log_std", "value")})


def skrl():
    import gymnasium
    import torch
    from skrl.resources.preprocessors.torch import RunningStandardScaler
    from skrl.utils.model_instantiators.torch import gaussian_model

    torch.manual_seed(2)
    space = gymnasium.spaces.Box(-np.inf, np.inf, (OBS,)), gymnasium.spaces.Box(-1, 1, (ACT,))
    policy = gaussian_model(
        observation_space=space[0], action_space=space[1], device="cpu", clip_actions=False, initial_log_std=0,
        network=[{"name": "net", "input": "OBSERVATIONS", "layers": [32, 16], "activations": "elu"}], output="tanh(ACTIONS)")
    scaler = RunningStandardScaler(size=space[0], device="cpu")
    for module in policy.modules():
        if isinstance(module, torch.nn.LazyLinear):
            policy.compute({"observations": torch.zeros(1, OBS)}, "policy")
            break
    with torch.no_grad():
        scaler.running_mean.normal_()
        scaler.running_variance.uniform_(0.2, 3)

    class Policy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.policy, self.scaler = policy, scaler

        def forward(self, obs):
            return self.policy.compute({"observations": self.scaler(obs)}, "policy")[0]

    export_torch("skrl", Policy(), torch.randn(ROWS, OBS), ["actions"], dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},),
                 external_data=False)


def brax():
    """Brax's PPO policy: normaliser, MLP with swish (the usual sizes are 32 x 4), the first half of the outputs through tanh."""
    import jax
    import jax.numpy as jnp
    from jax2onnx import to_onnx

    rng = np.random.default_rng(3)
    sizes = [OBS, 32, 32, 32, 2 * ACT]
    layers = [(jnp.asarray(rng.normal(size=(a, b)).astype(np.float32) / np.sqrt(a)), jnp.asarray(rng.normal(size=b).astype(np.float32) * 0.1))
              for a, b in zip(sizes[:-1], sizes[1:])]
    mean = jnp.asarray(rng.normal(size=OBS).astype(np.float32))
    std = jnp.asarray(rng.uniform(0.5, 2, OBS).astype(np.float32))

    def policy(obs):
        x = (obs - mean) / std
        for i, (w, b) in enumerate(layers):
            x = x @ w + b
            if i + 1 < len(layers):
                x = jax.nn.swish(x)
        loc, _ = jnp.split(x, 2, axis=-1)
        return jnp.tanh(loc)

    def layer_norm(obs):
        x = obs @ layers[0][0] + layers[0][1]
        x = (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-6)
        return jnp.tanh(jax.nn.elu(x) @ layers[1][0][:, :ACT])

    obs = rng.normal(size=(ROWS, OBS)).astype(np.float32)
    for name, function in (("jax_brax", policy), ("jax_layer_norm", layer_norm)):
        model = to_onnx(function, inputs=[("B", OBS)], model_name=name)
        model.graph.input[0].name, first = "obs", model.graph.input[0].name
        for node in model.graph.node:
            node.input[:] = ["obs" if x == first else x for x in node.input]
        out = model.graph.output[0].name
        save(name, model, {"obs": obs}, {out: np.asarray(function(jnp.asarray(obs)))})


def humanoid():
    """197 numbers to 36, SiLU in between, and a value beside the action: small enough that the reference is nearly tracked as it is."""
    import onnxruntime

    rng = np.random.default_rng(4)
    w0, b0 = rng.normal(size=(197, 8)).astype(np.float32) / 20, rng.normal(size=8).astype(np.float32) * 0.1
    w1, w2 = rng.normal(size=(8, 36)).astype(np.float32) * 0.01, rng.normal(size=(8, 1)).astype(np.float32)
    nodes = [helper.make_node("MatMul", ["obs", "w0"], ["m"]), helper.make_node("Add", ["m", "b0"], ["h"]),
             helper.make_node("Sigmoid", ["h"], ["s"]), helper.make_node("Mul", ["h", "s"], ["a"]),
             helper.make_node("MatMul", ["a", "w1"], ["actions"]), helper.make_node("MatMul", ["a", "w2"], ["value"])]
    info = lambda name, n: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", n])
    graph = helper.make_graph(nodes, "humanoid", [info("obs", 197)], [info("actions", 36), info("value", 1)],
                              [numpy_helper.from_array(v, k) for k, v in (("w0", w0), ("b0", b0), ("w1", w1), ("w2", w2))])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (("action", "residual"), ("physics_hz", "120"), ("control_hz", "30")):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    obs = rng.normal(size=(ROWS, 197)).astype(np.float32)
    out = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"obs": obs})
    save("humanoid_silu", model, {"obs": obs}, {"actions": out[0], "value": out[1]})


for make in (rl_games, skrl, brax, humanoid):
    make()
