"""Makes tests/data/graph/exports/: small networks as real exporters write them, with inputs and the outputs of the framework that made them.

    python3 tests/make_graph_cases.py [FOLDER]        needs torch 2.13.0, onnx, onnxscript, onnxruntime, numpy

NAME.onnx, NAME.in.INPUT.npy, NAME.out.OUTPUT.npy. The outputs are PyTorch's; where a graph is written by hand in the manner of a tool that is
not at hand (tf2onnx, ML-Agents), ONNX Runtime's.
"""

import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

warnings.filterwarnings("ignore")
FOLDER = sys.argv[1] if len(sys.argv) > 1 else "tests/data/graph/exports"
ROWS = 5


def save(name, model, inputs, outputs):
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
    onnx.save(model, f"{FOLDER}/{name}.onnx")
    for kind, arrays in (("in", inputs), ("out", outputs)):
        for key, x in arrays.items():
            np.save(f"{FOLDER}/{name}.{kind}.{key}.npy", np.asarray(x, order="C"))
    print(f"{name}: {os.path.getsize(f'{FOLDER}/{name}.onnx')} bytes")


def export(name, module, inputs, outputs, dynamic=True, opset=17, dynamo=False, batch_axis=None):
    """inputs: {name: tensor}; outputs: names."""
    module.eval()
    batch_axis = batch_axis or {}
    path = f"/tmp/{os.getpid()}.onnx"
    with torch.no_grad():
        want = module(*inputs.values())
    want = [want] if isinstance(want, torch.Tensor) else list(want)
    keys = list(inputs)
    if dynamo:
        batch = torch.export.Dim("batch", min=1, max=4096)
        shapes = tuple({batch_axis.get(k, 0): batch} if batch_axis.get(k, 0) is not None else {} for k in keys) if dynamic else None
        torch.onnx.export(module, tuple(inputs.values()), path, input_names=keys, output_names=outputs, opset_version=opset, dynamo=True,
                          dynamic_shapes=shapes, external_data=False, verbose=False, optimize=True)
    else:
        axes = {k: {batch_axis.get(k, 0): "batch"} for k in keys + outputs if batch_axis.get(k, 0) is not None} if dynamic else None
        torch.onnx.export(module, tuple(inputs.values()), path, input_names=keys, output_names=outputs, opset_version=opset, dynamo=False,
                          dynamic_axes=axes)
    model = onnx.load(path)
    os.remove(path)
    used = {v.name for v in model.graph.input}
    save(name, model, {k: x.numpy() for k, x in inputs.items() if k in used}, dict(zip(outputs, [w.numpy() for w in want])))


class SiLU(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(24, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 6), nn.Tanh())

    def forward(self, obs):
        return self.net(obs)


class Mixed(nn.Module):
    """LayerNorm, GELU, Mish, residual sums, clip: a modern SAC or TD-MPC actor."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(20, 32), nn.Linear(32, 32), nn.Linear(32, 12)
        self.norm, self.norm2 = nn.LayerNorm(32), nn.LayerNorm(32)

    def forward(self, obs):
        x = nn.functional.gelu(self.norm(self.a(obs)))
        x = x + nn.functional.mish(self.norm2(self.b(x)))
        mean, log_std = self.c(x).chunk(2, dim=-1)
        return torch.tanh(mean), torch.clamp(log_std, -5, 2).exp()


class RslRl(nn.Module):
    """rsl_rl's policy: normaliser and ELU MLP; recurrent with the states as inputs and outputs."""

    def __init__(self, kind=None):
        super().__init__()
        self.register_buffer("mean", torch.randn(1, 18) * 0.3)
        self.register_buffer("std", torch.rand(1, 18) + 0.5)
        self.kind = kind
        if kind:
            self.rnn = (nn.GRU if kind == "gru" else nn.LSTM)(18, 16, 1)
        self.actor = nn.Sequential(nn.Linear(16 if kind else 18, 24), nn.ELU(), nn.Linear(24, 24), nn.ELU(), nn.Linear(24, 5))

    def forward(self, obs, h_in=None, c_in=None):
        x = (obs - self.mean) / (self.std + 1e-2)
        if not self.kind:
            return self.actor(x)
        if self.kind == "gru":
            x, h = self.rnn(x.unsqueeze(0), h_in)
            return self.actor(x.squeeze(0)), h
        x, (h, c) = self.rnn(x.unsqueeze(0), (h_in, c_in))
        return self.actor(x.squeeze(0)), h, c


class Cell(nn.Module):
    """A GRU cell and an LSTM cell, unrolled by hand as some exporters do."""

    def __init__(self):
        super().__init__()
        self.gru, self.lstm, self.out = nn.GRUCell(10, 12), nn.LSTMCell(12, 8), nn.Linear(8, 3)

    def forward(self, obs, h, h2, c2):
        h = self.gru(obs, h)
        h2, c2 = self.lstm(h, (h2, c2))
        return self.out(h2), h, h2, c2


class History(nn.Module):
    """A history encoder as in RMA: Conv1d over the last observations, then an MLP on it and the newest one."""

    def __init__(self, obs=10, length=20):
        super().__init__()
        self.obs, self.length = obs, length
        self.embed = nn.Linear(obs, 12)
        self.conv = nn.Sequential(nn.Conv1d(12, 16, 6, stride=3), nn.ELU(), nn.Conv1d(16, 8, 3), nn.ELU(), nn.Flatten())
        self.actor = nn.Sequential(nn.Linear(8 * 3 + obs, 24), nn.ELU(), nn.Linear(24, 4))

    def forward(self, history):
        x = history.reshape(-1, self.length, self.obs)
        z = self.conv(nn.functional.elu(self.embed(x)).permute(0, 2, 1))
        return self.actor(torch.cat([z, x[:, -1]], dim=-1))


class SB3(nn.Module):
    """stable-baselines3's PPO policy: action, value, log-probability of a diagonal Gaussian."""

    def __init__(self):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(14, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh())
        self.vf = nn.Sequential(nn.Linear(14, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh())
        self.action, self.value = nn.Linear(24, 4), nn.Linear(24, 1)
        self.log_std = nn.Parameter(torch.randn(4) * 0.1 - 1)

    def forward(self, observation):
        x = observation.float().flatten(1)
        mean = self.action(self.pi(x))
        std = torch.ones_like(mean) * self.log_std.exp()
        log_prob = (-((mean - mean) ** 2) / (2 * std**2) - std.log() - 0.9189385).sum(-1)
        return mean, self.value(self.vf(x)), log_prob


class Discrete(nn.Module):
    """A DQN or discrete PPO: probabilities, the best action, a one-hot of it."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(9, 24), nn.ReLU6(), nn.Linear(24, 6))

    def forward(self, obs, mask):
        logits = torch.where(mask, self.net(obs), torch.tensor(-1e8))
        return torch.softmax(logits, -1), torch.log_softmax(logits, -1), logits.argmax(-1)


class BeyondMimic(nn.Module):
    """A motion tracking policy with its motion: an integer step in, the motion's numbers of that step out."""

    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(16, 24), nn.ELU(), nn.Linear(24, 7))
        self.register_buffer("joint_pos", torch.randn(30, 7))
        self.register_buffer("body_quat", torch.randn(30, 3, 4))

    def forward(self, obs, time_step):
        t = torch.clamp(time_step.long().squeeze(-1), max=29)
        return self.actor(obs), self.joint_pos[t], self.body_quat[t]


class Attention(nn.Module):
    """A small transformer over a few tokens of the observation."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(6, 16)
        self.qkv, self.proj, self.norm = nn.Linear(16, 48), nn.Linear(16, 16), nn.LayerNorm(16)
        self.out = nn.Linear(16, 3)

    def forward(self, tokens):
        x = self.embed(tokens)
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, t, 3, 2, 8).permute(2, 0, 3, 1, 4)
        w = torch.softmax(q @ k.transpose(-2, -1) / 8**0.5, -1)
        x = x + self.proj((w @ v).transpose(1, 2).reshape(b, t, 16))
        return self.out(x.mean(1))


class NoBatch(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 16), nn.Softplus(), nn.Linear(16, 16), nn.Hardswish(), nn.Linear(16, 3), nn.Softsign())

    def forward(self, obs):
        return self.net(obs)


class BatchNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.PReLU(), nn.Linear(16, 16), nn.SELU(), nn.Linear(16, 3), nn.Hardsigmoid())
        bn = self.net[1]
        with torch.no_grad():
            bn.running_mean.normal_()
            bn.running_var.uniform_(0.5, 2)
            bn.weight.normal_(1, 0.2)
            bn.bias.normal_()

    def forward(self, obs):
        return self.net(obs)


def torch_cases():
    r = torch.randn
    for opset in (11, 17):
        export(f"silu_script{opset}", SiLU(), {"obs": r(ROWS, 24)}, ["actions"], opset=opset)
    export("silu_dynamo", SiLU(), {"obs": r(ROWS, 24)}, ["actions"], opset=18, dynamo=True)
    export("silu_fixed1", SiLU(), {"obs": r(1, 24)}, ["actions"], dynamic=False)
    for opset in (13, 17):
        export(f"mixed_script{opset}", Mixed(), {"obs": r(ROWS, 20)}, ["mean", "std"], opset=opset)
    export("mixed_dynamo", Mixed(), {"obs": r(ROWS, 20)}, ["mean", "std"], opset=21, dynamo=True)
    export("rsl_mlp", RslRl(), {"obs": r(ROWS, 18)}, ["actions"], opset=11)
    export("rsl_mlp_fixed1", RslRl(), {"obs": r(1, 18)}, ["actions"], opset=18, dynamic=False)
    export("rsl_gru", RslRl("gru"), {"obs": r(1, 18), "h_in": r(1, 1, 16)}, ["actions", "h_out"], opset=18, dynamic=False)
    export("rsl_lstm", RslRl("lstm"), {"obs": r(1, 18), "h_in": r(1, 1, 16), "c_in": r(1, 1, 16)}, ["actions", "h_out", "c_out"], opset=11, dynamic=False)
    state = {"h_in": 1, "c_in": 1, "h_out": 1, "c_out": 1}
    export("rsl_gru_batch", RslRl("gru"), {"obs": r(ROWS, 18), "h_in": r(1, ROWS, 16)}, ["actions", "h_out"], batch_axis=state)
    export("rsl_lstm_batch", RslRl("lstm"), {"obs": r(ROWS, 18), "h_in": r(1, ROWS, 16), "c_in": r(1, ROWS, 16)}, ["actions", "h_out", "c_out"], batch_axis=state)
    export("rsl_gru_dynamo", RslRl("gru"), {"obs": r(ROWS, 18), "h_in": r(1, ROWS, 16)}, ["actions", "h_out"], opset=18, dynamo=True, batch_axis=state)
    cell = {"obs": r(ROWS, 10), "h": r(ROWS, 12), "h2": r(ROWS, 8), "c2": r(ROWS, 8)}
    export("cells_script", Cell(), cell, ["actions", "h_out", "h2_out", "c2_out"])
    export("cells_dynamo", Cell(), cell, ["actions", "h_out", "h2_out", "c2_out"], opset=18, dynamo=True)
    export("history_script", History(), {"history": r(ROWS, 200)}, ["actions"])
    export("history_dynamo", History(), {"history": r(ROWS, 200)}, ["actions"], opset=20, dynamo=True)
    export("sb3", SB3(), {"observation": r(ROWS, 14)}, ["action", "value", "log_prob"], opset=14)
    export("discrete", Discrete(), {"obs": r(ROWS, 9), "mask": torch.rand(ROWS, 6) > 0.3}, ["probabilities", "log_probabilities", "action"])
    steps = torch.tensor([[3.0]])
    export("beyondmimic", BeyondMimic(), {"obs": r(1, 16), "time_step": steps}, ["actions", "joint_pos", "body_quat"], opset=11, dynamic=False)
    export("beyondmimic_batch", BeyondMimic(), {"obs": r(ROWS, 16), "time_step": torch.randint(0, 40, (ROWS, 1))}, ["actions", "joint_pos", "body_quat"])
    export("attention_script", Attention(), {"tokens": r(ROWS, 4, 6)}, ["actions"])
    export("attention_dynamo", Attention(), {"tokens": r(ROWS, 4, 6)}, ["actions"], opset=18, dynamo=True)
    export("no_batch", NoBatch(), {"obs": r(8)}, ["actions"], dynamic=False)
    export("batchnorm", BatchNorm(), {"obs": r(ROWS, 8)}, ["actions"])


def by_runtime(name, model, inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    save(name, model, inputs, dict(zip([v.name for v in model.graph.output], session.run(None, inputs))))


def constant(name, x):
    return numpy_helper.from_array(np.asarray(x), name)


def mlagents():
    """As Unity's ML-Agents exports: version_number and friends as constants, masks, a recurrent memory, a continuous and a discrete branch."""
    rng = np.random.default_rng(3)

    def f(*shape):
        return rng.normal(size=shape).astype(np.float32) * 0.3

    nodes = [
        helper.make_node("Sub", ["obs_0", "mean"], ["c"]),
        helper.make_node("Div", ["c", "std"], ["d"]),
        helper.make_node("Clip", ["d", "lo", "hi"], ["n"]),
        helper.make_node("Concat", ["n", "obs_1"], ["x"], axis=1),
        helper.make_node("Gemm", ["x", "w0", "b0"], ["g0"], transB=1),
        helper.make_node("Sigmoid", ["g0"], ["s0"]),
        helper.make_node("Mul", ["g0", "s0"], ["h0"]),
        helper.make_node("Gemm", ["h0", "w1", "b1"], ["mu"], transB=1),
        helper.make_node("Clip", ["mu", "lo3", "hi3"], ["clipped"]),
        helper.make_node("Div", ["clipped", "hi3"], ["deterministic_continuous_actions"]),
        helper.make_node("Gemm", ["h0", "w2", "b2"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["p"], axis=1),
        helper.make_node("Add", ["p", "tiny"], ["p1"]),
        helper.make_node("Mul", ["p1", "action_masks"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "axis1"], ["total"], keepdims=1),
        helper.make_node("Div", ["masked", "total"], ["share"]),
        helper.make_node("Log", ["share_tiny"], ["discrete_log"]),
        helper.make_node("ArgMax", ["discrete_log"], ["deterministic_discrete_actions"], axis=1, keepdims=1),
        helper.make_node("Identity", ["version"], ["version_number"]),
        helper.make_node("Identity", ["three"], ["continuous_action_output_shape"]),
    ]
    nodes.insert(16, helper.make_node("Add", ["share", "tiny"], ["share_tiny"]))
    inits = [constant("mean", f(6)), constant("std", np.abs(f(6)) + 0.5), constant("lo", np.float32(-5)), constant("hi", np.float32(5)),
             constant("w0", f(20, 10)), constant("b0", f(20)), constant("w1", f(3, 20)), constant("b1", f(3)), constant("lo3", np.float32(-3)),
             constant("hi3", np.float32(3)), constant("w2", f(4, 20)), constant("b2", f(4)), constant("tiny", np.float32(1e-7)),
             constant("axis1", np.array([1])), constant("version", np.array([3], np.float32)), constant("three", np.array([3], np.float32))]

    def info(name, shape, type=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, type, shape)

    graph = helper.make_graph(nodes, "mlagents", [info("obs_0", ["batch", 6]), info("obs_1", ["batch", 4]), info("action_masks", ["batch", 4])],
                              [info("version_number", [1]), info("continuous_action_output_shape", [1]),
                               info("deterministic_continuous_actions", ["batch", 3]),
                               info("deterministic_discrete_actions", ["batch", 1], TensorProto.INT64)], inits)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    masks = (rng.random((ROWS, 4)) > 0.3).astype(np.float32)
    masks[:, 0] = 1
    by_runtime("mlagents", model, {"obs_0": f(ROWS, 6), "obs_1": f(ROWS, 4), "action_masks": masks})


def tensorflow():
    """As tf2onnx writes a Keras MLP with float64 casts and a shape worked out in the graph, and JAX's a swish MLP (brax)."""
    rng = np.random.default_rng(4)

    def f(*shape):
        return rng.normal(size=shape).astype(np.float32) * 0.3

    nodes = [
        helper.make_node("Cast", ["args_0"], ["x32"], to=TensorProto.FLOAT),
        helper.make_node("Shape", ["x32"], ["shape"]),
        helper.make_node("Slice", ["shape", "zero", "one", "zero"], ["rows"]),
        helper.make_node("Concat", ["rows", "twelve"], ["target"], axis=0),
        helper.make_node("Reshape", ["x32", "target"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w0"], ["m0"]),
        helper.make_node("Add", ["m0", "b0"], ["a0"]),
        helper.make_node("LeakyRelu", ["a0"], ["h0"], alpha=0.2),
        helper.make_node("MatMul", ["h0", "w1"], ["m1"]),
        helper.make_node("Add", ["m1", "b1"], ["a1"]),
        helper.make_node("Sigmoid", ["a1"], ["s1"]),
        helper.make_node("Mul", ["a1", "s1"], ["h1"]),
        helper.make_node("MatMul", ["h1", "w2"], ["m2"]),
        helper.make_node("Add", ["m2", "b2"], ["a2"]),
        helper.make_node("Split", ["a2", "halves"], ["loc", "scale"], axis=-1),
        helper.make_node("Tanh", ["loc"], ["Identity:0"]),
        helper.make_node("Softplus", ["scale"], ["sp"]),
        helper.make_node("Add", ["sp", "small"], ["Identity_1:0"]),
    ]
    inits = [constant("zero", np.array([0])), constant("one", np.array([1])), constant("twelve", np.array([12])), constant("w0", f(12, 16)),
             constant("b0", f(16)), constant("w1", f(16, 16)), constant("b1", f(16)), constant("w2", f(16, 6)), constant("b2", f(6)),
             constant("halves", np.array([3, 3])), constant("small", np.float32(1e-3))]
    graph = helper.make_graph(nodes, "tf2onnx", [helper.make_tensor_value_info("args_0", TensorProto.DOUBLE, ["unk__1", 3, 4])],
                              [helper.make_tensor_value_info("Identity:0", TensorProto.FLOAT, ["unk__2", 3]),
                               helper.make_tensor_value_info("Identity_1:0", TensorProto.FLOAT, ["unk__3", 3])], inits)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    by_runtime("tf2onnx", model, {"args_0": f(ROWS, 3, 4).astype(np.float64)})


def main():
    os.makedirs(FOLDER, exist_ok=True)
    torch.manual_seed(1)
    torch_cases()
    mlagents()
    tensorflow()


if __name__ == "__main__":
    main()
