"""The networks of the comparison, as plain numbers: made once, written once as ONNX, loaded by every system from the same weights.

actor, critic (of the walk) and locomotion (the default character's actor) come from amble's trained ONNX files; DeepPhase and StyleVAE's two halves have PyTorch's default initialisation until they are
trained. A network is a dict: name, source, layers [(weight, bias)], ReLU between them, heads (sizes of the outputs side by side), and where the
file has one the input's normaliser: mean, std, clip.
"""

import os

import numpy

SHAPES = {
    "actor": [197, 1024, 512, 36],
    "locomotion": [246, 1024, 512, 36],
    "critic": [197, 1024, 512, 1],
    "phase": [132, 256, 128, 32, 2],
    "encoder": [4380, 512, 256, 512],
    "decoder": [256, 256, 512, 4380],
}
FILES = {"actor": "walk.onnx", "locomotion": "locomotion.onnx", "critic": "walk_critic.onnx", "decoder": "stylevae_decoder.onnx"}
HEADS = {"encoder": [256, 256]}


def make(name, models, seed):
    """One network: from the folder models if its file exists, else random."""
    path = os.path.join(models, FILES.get(name, "")) if name in FILES else None
    if path and os.path.exists(path):
        return from_onnx(name, path)
    return random(name, seed)


def random(name, seed):
    import torch

    torch.manual_seed(seed + list(SHAPES).index(name))
    sizes = SHAPES[name]
    linears = [torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
    if name in HEADS:  # several Linear of the same input, side by side
        heads = [torch.nn.Linear(sizes[-2], n) for n in HEADS[name]]
        layers = linears[:-1] + [heads]
    else:
        layers = linears

    def numbers(layer):
        parts = layer if isinstance(layer, list) else [layer]
        weight = numpy.concatenate([p.weight.detach().numpy() for p in parts])
        return weight, numpy.concatenate([p.bias.detach().numpy() for p in parts])

    return {
        "name": name,
        "source": f"random weights, seed {seed}",
        "layers": [numbers(layer) for layer in layers],
        "heads": HEADS.get(name, [sizes[-1]]),
        "normaliser": None,
    }


def from_onnx(name, path):
    """Reads amble's ONNX files: Sub, Div, Clip, then Gemm with transB and Relu in turn, weights as float32, as float16 behind a Cast,
    or as int8 behind a Cast and a Mul."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    known = {t.name: numpy_helper.to_array(t).astype(numpy.float32) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            known[node.output[0]] = numpy_helper.to_array(node.attribute[0].t).astype(numpy.float32)
        elif node.op_type == "Cast" and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]]
        elif node.op_type == "Mul" and all(i in known for i in node.input):  # int8 weights times one number an output
            known[node.output[0]] = known[node.input[0]] * known[node.input[1]]
    mean = std = clip = None
    layers = []
    for node in graph.node:
        given = [known[i] for i in node.input if i in known]
        if node.op_type == "Sub":
            mean = given[0]
        elif node.op_type == "Div":
            std = given[0]
        elif node.op_type == "Clip":
            clip = float(max(given))
        elif node.op_type == "Gemm":
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if attributes.get("transB", 0) != 1 or attributes.get("alpha", 1) != 1 or attributes.get("beta", 1) != 1:
                raise ValueError(f"{path}: node {node.name}: not a Gemm as amble writes it")
            layers.append((given[0], given[1].reshape(-1)))
        elif node.op_type not in ("Relu", "Cast", "Constant", "Identity", "Reshape") and not (node.op_type == "Mul" and node.output[0] in known):
            raise ValueError(f"{path}: node {node.name}: operator {node.op_type} is not one of amble's own files")
    sizes = [layers[0][0].shape[1]] + [w.shape[0] for w, _ in layers]
    if sizes != SHAPES[name]:
        raise ValueError(f"{path}: sizes {sizes}, expected {SHAPES[name]}")
    normaliser = None if mean is None else {"mean": mean.reshape(-1), "std": std.reshape(-1), "clip": clip}
    return {"name": name, "source": os.path.basename(path), "layers": layers, "heads": [sizes[-1]], "normaliser": normaliser, "file": path}


def write_onnx(network, path, bf16=False):
    """One Gemm a layer (one a head for the last), Relu between, the normaliser in front; batch open; operator set 17. bf16: the layers
    compute in it, between two Casts, so that inputs and outputs are float32 all the same."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(numpy.ascontiguousarray(array, dtype=numpy.float32), name))
        return name

    def factor(name, array):
        if not bf16:
            return constant(name, array)
        bits = numpy.ascontiguousarray(array, dtype=numpy.float32).view(numpy.uint32)
        rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)  # to nearest, ties to even
        constants.append(helper.make_tensor(name, TensorProto.BFLOAT16, array.shape, rounded.tobytes(), raw=True))
        return name

    at = "input"
    if network["normaliser"]:
        n = network["normaliser"]
        nodes.append(helper.make_node("Sub", [at, constant("mean", n["mean"])], ["centred"], name="centre"))
        nodes.append(helper.make_node("Div", ["centred", constant("std", n["std"])], ["scaled"], name="scale"))
        at = "scaled"
        if n["clip"]:
            limits = [constant("low", numpy.float32(-n["clip"])), constant("high", numpy.float32(n["clip"]))]
            nodes.append(helper.make_node("Clip", [at] + limits, ["clipped"], name="clip"))
            at = "clipped"
    if bf16:
        nodes.append(helper.make_node("Cast", [at], ["narrow"], name="narrow", to=TensorProto.BFLOAT16))
        at = "narrow"
    outputs = []
    for i, (weight, bias) in enumerate(network["layers"]):
        last = i + 1 == len(network["layers"])
        sizes = network["heads"] if last else [weight.shape[0]]
        begin = 0
        for h, size in enumerate(sizes):
            mark = f"{i}" if len(sizes) == 1 else f"{i}_{h}"
            out = ("output" if len(sizes) == 1 else f"output_{h}") if last else f"hidden_{i}"
            names = [factor(f"weight_{mark}", weight[begin : begin + size]), factor(f"bias_{mark}", bias[begin : begin + size])]
            narrow = f"narrow_{out}" if last and bf16 else out
            nodes.append(helper.make_node("Gemm", [at] + names, [narrow], name=f"layer_{mark}", transB=1))
            if last and bf16:
                nodes.append(helper.make_node("Cast", [narrow], [out], name=f"widen_{mark}", to=TensorProto.FLOAT))
            if last:
                outputs.append(helper.make_tensor_value_info(out, TensorProto.FLOAT, ["batch", size]))
            begin += size
        if not last:
            nodes.append(helper.make_node("Relu", [f"hidden_{i}"], [f"active_{i}"], name=f"relu_{i}"))
            at = f"active_{i}"
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", network["layers"][0][0].shape[1]])]
    graph = helper.make_graph(nodes, network["name"], inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="amble bench")
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_numbers(network, path):
    """Writes the numbers for systems that build a network themselves."""
    arrays = {"heads": numpy.array(network["heads"])}
    for i, (weight, bias) in enumerate(network["layers"]):
        arrays[f"weight_{i}"] = weight
        arrays[f"bias_{i}"] = bias
    if network["normaliser"]:
        n = network["normaliser"]
        arrays.update(mean=n["mean"], std=n["std"], clip=numpy.float32(n["clip"] or numpy.inf))
    numpy.savez(path, **arrays)


def inputs(network, rows, count, seed):
    """(count, rows, inputs): standard normal, as the network would see them: spread over the normaliser's range where it has one."""
    rng = numpy.random.default_rng(seed)
    width = network["layers"][0][0].shape[1]
    x = rng.standard_normal((count, rows, width), dtype=numpy.float32)
    if network["normaliser"]:
        x = x * network["normaliser"]["std"] + network["normaliser"]["mean"]
    return numpy.ascontiguousarray(x, dtype=numpy.float32)


def exact(network, x):
    """The outputs (rows, all heads side by side) in double precision, by PyTorch."""
    import torch

    h = torch.from_numpy(x).double()
    if network["normaliser"]:
        n = network["normaliser"]
        h = (h - torch.from_numpy(n["mean"]).double()) / torch.from_numpy(n["std"]).double()
        if n["clip"]:
            h = h.clamp(-n["clip"], n["clip"])
    for i, (weight, bias) in enumerate(network["layers"]):
        h = torch.nn.functional.linear(h, torch.from_numpy(weight).double(), torch.from_numpy(bias).double())
        if i + 1 < len(network["layers"]):
            h = torch.relu(h)
    return h.numpy()
