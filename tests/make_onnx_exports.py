"""Makes the files of tests/data/onnx/good/ that PyTorch's two exporters and scikit-learn's write; see make_onnx_cases.py, which runs this."""

import copy
import logging
import warnings

import numpy as np
import onnx
import torch
from make_onnx_cases import HIDDEN, IN, NEWEST, OUT, ROOT, flat, save_good
from torch import nn

ROWS, COLS = 4, 3


class Normalized(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.randn(IN))
        self.register_buffer("std", torch.rand(IN) + 0.5)
        self.layers = nn.Sequential(nn.Linear(IN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 4), nn.ReLU(), nn.Linear(4, OUT))

    def forward(self, x):
        return self.layers(((x - self.mean) / self.std).clamp(-2, 2))


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(IN, HIDDEN, bias=False), nn.Linear(HIDDEN, OUT)

    def forward(self, x):
        return self.b(torch.relu(self.a(torch.flatten(x, 1)))) * 0.5 + 1


class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        kinds = [
            nn.ReLU(),
            nn.ELU(),
            nn.ELU(0.4),
            nn.Tanh(),
            nn.Sigmoid(),
            nn.LeakyReLU(),
            nn.LeakyReLU(0.3),
            nn.Identity(),
            nn.Dropout(0.5),
        ]
        self.layers = nn.Sequential(*[m for kind in kinds for m in (nn.Linear(IN, IN), kind)], nn.Linear(IN, OUT))

    def forward(self, x):
        return self.layers(x)


class Encoder(nn.Module):
    """As a StyleVAE's: windows of frames in, mean and log-variance out."""

    def __init__(self, how="flatten", rows=ROWS, cols=COLS, hidden=HIDDEN):
        super().__init__()
        self.how = how
        self.layers = nn.Sequential(nn.Linear(rows * cols, hidden), nn.ELU(), nn.Dropout(0.1), nn.Linear(hidden, hidden), nn.ELU())
        self.mu, self.logvar = nn.Linear(hidden, 2), nn.Linear(hidden, 2)

    def forward(self, x):
        if self.how == "flatten":
            x = x.flatten(1)
        elif self.how == "view":
            x = x.view(x.size(0), -1)
        elif self.how == "product":
            x = x.reshape(x.size(0), x.size(1) * x.size(2))
        else:
            x = x.reshape(-1, x.shape[1:].numel())
        h = self.layers(x)
        return self.mu(h), self.logvar(h)


class Decoder(nn.Module):
    def __init__(self, how="view"):
        super().__init__()
        self.how = how
        self.layers = nn.Sequential(nn.Linear(IN, HIDDEN), nn.ELU(), nn.Linear(HIDDEN, ROWS * COLS))
        self.register_buffer("mean", torch.randn(ROWS, COLS))
        self.register_buffer("std", torch.rand(COLS) + 0.5)

    def forward(self, z):
        y = self.layers(z)
        if self.how == "view":
            return y.view(-1, ROWS, COLS)
        if self.how == "size":
            return y.view(y.size(0), ROWS, COLS) * self.std + self.mean
        return y.unflatten(1, (ROWS, COLS)).unsqueeze(1)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(IN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))

    def forward(self, x):
        return self.layers(x).squeeze(-1)


def export(name, module, x, **options):
    """Exports and saves a case; False where the exporter cannot."""
    module = module.eval()
    wide = copy.deepcopy(module).double()
    with torch.no_grad():
        y = wide(x.double())
    y = flat([t.numpy() for t in (y if isinstance(y, tuple) else (y,))])
    names = ["mu", "logvar"] if isinstance(module, Encoder) else ["y"]
    if options.pop("dynamic", True):
        if options["dynamo"]:
            options["dynamic_shapes"] = ({0: torch.export.Dim.DYNAMIC},)
        else:
            options["dynamic_axes"] = {n: {0: "batch"} for n in ["x", *names]}
    path = ROOT / "good" / f"torch_{name}.onnx"
    kept = options.pop("keep", False)
    try:
        if options["dynamo"]:
            torch.onnx.export(module, (x,), str(path), input_names=["x"], output_names=names, external_data=False, verbose=False, **options)
        else:
            torch.onnx.export(module, (x,), str(path), input_names=["x"], output_names=names, **options)
    except Exception as error:
        path.unlink(missing_ok=True)
        print(f"{name}: not exported: {type(error).__name__}: {str(error).splitlines()[0][:150]}")
        return
    made = onnx.load(path)
    onnx.checker.check_model(made, full_check="bfloat16" not in name)  # whose shapes the checker does not know before Elu 22
    if not kept:  # locations in sources of the machine that made it, and what is long
        for n in made.graph.node:
            n.ClearField("metadata_props")
            n.ClearField("doc_string")
        for v in [*made.graph.input, *made.graph.output, *made.graph.initializer]:
            v.ClearField("metadata_props")
        made.graph.ClearField("value_info")
        made.graph.ClearField("metadata_props")
        made.ClearField("metadata_props")
    wanted = options.get("opset_version")
    opset = {o.domain: o.version for o in made.opset_import}[""]
    if wanted and wanted != opset:
        print(f"{name}: came out in operator set {opset}")
        path.unlink()
        return
    save_good(path.stem, made, x.float().numpy(), y)


def torch_cases():
    torch.manual_seed(3)
    x, windows, z = torch.randn(4, IN) * 2, torch.randn(4, ROWS, COLS), torch.randn(4, IN)
    modules = {
        "normalized": (Normalized(), x),
        "flat": (Flat(), x),
        "activations": (Activations(), x),
        "critic": (Critic(), x),
        **{f"encoder_{how}": (Encoder(how), windows) for how in ("flatten", "view", "product", "numel")},
        **{f"decoder_{how}": (Decoder(how), z) for how in ("view", "size", "unflatten")},
    }
    for name, (module, at) in modules.items():
        export(f"{name}_traced", module, at, dynamo=False, opset_version=13)
        export(f"{name}_traced_unfolded", module, at, dynamo=False, opset_version=17, do_constant_folding=False, dynamic=False)
        export(f"{name}_exported", module, at, dynamo=True)
        export(f"{name}_exported_fixed", module, at, dynamo=True, dynamic=False)
    for name in ("activations", "encoder_view", "decoder_size"):
        for opset in (9, 11, 17, 18, 20):
            export(f"{name}_traced_opset{opset}", *modules[name], dynamo=False, opset_version=opset)
        for opset in range(18, NEWEST + 1):
            if opset in (18, 21, NEWEST):
                export(f"{name}_exported_opset{opset}", *modules[name], dynamo=True, opset_version=opset)
    module, at = modules["encoder_view"]
    export("encoder_unoptimized", module, at, dynamo=True, optimize=False)
    export("encoder_with_locations", module, at, dynamo=True, keep=True)
    for kind in ("half", "bfloat16", "double"):
        typed = getattr(copy.deepcopy(module), kind)()
        data = getattr(at, kind)()
        export(f"encoder_{kind}_traced", typed, data, dynamo=False, opset_version=17)
        export(f"encoder_{kind}_exported", typed, data, dynamo=True)
    export("encoder_60_73", Encoder("flatten", 60, 73, 4), torch.randn(2, 60, 73) * 0.1, dynamo=True)


def sklearn_cases():
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(5)
    for kind in ("relu", "tanh", "logistic", "identity"):
        # One output: with several, skl2onnx 1.20 ends the graph in a Reshape to (-1, 1), which is not what scikit-learn gives.
        x = rng.standard_normal((60, IN)).astype(np.float32)
        net = MLPRegressor(hidden_layer_sizes=(HIDDEN, 4), activation=kind, max_iter=20, random_state=1).fit(x, rng.standard_normal(60))
        exact = copy.deepcopy(net)
        exact.coefs_ = [c.astype(np.float32).astype(np.float64) for c in net.coefs_]
        exact.intercepts_ = [c.astype(np.float32).astype(np.float64) for c in net.intercepts_]
        for opset in (11, 18):
            made = to_onnx(net, x[:1], target_opset=opset)
            made.graph.doc_string = ""
            save_good(f"sklearn_{kind}_opset{opset}", made, x[:4], exact.predict(x[:4].astype(np.float64)))


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch_cases()
    sklearn_cases()
