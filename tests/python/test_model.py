"""amble.Model and the session: shapes, types, names, threads."""

import pickle
import threading

import amble
import numpy as np
import pytest
from conftest import ROOT

DATA = ROOT / "tests" / "data"


def rows(n, width=197, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return amble.Model("models/walk.onnx")


def test_describes_itself(model):
    assert [(t.name, t.dtype, t.shape) for t in model.inputs] == [("input", np.dtype("float32"), (-1, 197))]
    assert model.outputs[0].shape == (-1, 36)
    assert model.metadata["kind"] == "actor" and model.metadata["physics_hz"] == "120"
    assert model.precision in ("fp32", "bf16", "int16", "int8") and model.info["mse"] < 1e-6
    assert amble.Model("models/walk.onnx", precision="fp32").precision == "fp32"


def test_own_models_by_name(model):
    x = rows(2)
    for name in ("walk", "walk.onnx"):
        assert np.array_equal(amble.Model(name)(x), model(x))
    assert amble.InferenceSession("walk").get_inputs()[0].shape == ["batch", 197]
    with pytest.raises(FileNotFoundError, match="moonwalk: No such file in the current folder or among amble's models, which are backflip"):
        amble.Model("moonwalk")
    amble.Model("run")  # a file of the current folder comes first
    with open("run.onnx", "wb") as file:
        file.write(b"x")
    with pytest.raises(amble.FileError):
        amble.Model("run")


@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_rows_do_not_depend_on_each_other(precision):
    model = amble.Model("models/walk.onnx", precision=precision)
    x = rows(70)
    y = model(x)
    assert y.shape == (70, 36) and y.dtype == np.float32
    for i in (0, 1, 31, 69):
        assert np.array_equal(model(x[i]), y[i]) and np.array_equal(model(x[i : i + 1])[0], y[i])
    x[3] = np.nan
    assert np.isnan(model(x)[3]).all() and np.array_equal(model(x)[4:], y[4:])


def test_accepts_what_becomes_float32(model):
    x = rows(3)
    y = model(x)
    assert np.array_equal(model(x.astype(np.float64)), y)
    assert np.array_equal(model(np.asfortranarray(x)), y)
    assert np.array_equal(model(input=x), y)
    assert np.array_equal(model(x.tolist()), y)
    assert model(np.zeros((0, 197))).shape == (0, 36)
    assert model(input=np.zeros((0, 197))).shape == (0, 36)


def test_refuses(model):
    for bad, kind, sentence in [
        (rows(2, 196), ValueError, "196"),
        (np.zeros((2, 3, 197), np.float32), ValueError, "input"),
        (np.zeros((2, 197), complex), TypeError, "complex128, expected float32"),
        (np.zeros((0, 5), np.float32), ValueError, "expected"),
        (np.float32(1), ValueError, "dimensions"),
    ]:
        with pytest.raises(kind, match=sentence):
            model(bad)
    with pytest.raises(ValueError, match="there is no input 'x'; the inputs are input"):
        model(x=rows(1))
    with pytest.raises(ValueError, match="missing"):
        model()
    with pytest.raises(TypeError):
        model(rows(1), rows(1))
    with pytest.raises(TypeError, match="twice"):
        model(rows(1), input=rows(1))
    with pytest.raises(ValueError, match="there is no output 'y'"):
        model.run({"input": rows(1)}, ["y"])
    with pytest.raises(FileNotFoundError):
        amble.Model("/nope.onnx")
    with pytest.raises(FileNotFoundError):
        amble.Model("models/nope.onnx")
    with pytest.raises((OSError, ValueError), match="bytes"):
        amble.Model(b"not a network", name="bytes")
    with pytest.raises(ValueError, match="precision is 'fp8'"):
        amble.Model("models/walk.onnx", precision="fp8")
    with pytest.raises(TypeError):
        amble.Model(3)


def test_bytes_and_pickle(model):
    x = rows(2)
    data = (ROOT / "assets/models/walk.onnx").read_bytes()
    for other in (amble.Model(data), amble.Model(bytearray(data)), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other(x), model(x))


def graphs():
    return sorted(p for folder in ("onnx/good", "graph/exports") for p in (DATA / folder).glob("*.onnx"))[::4]


def test_graphs_of_the_test_data():
    """Whatever loads runs: several inputs, other types, a batch that is not the first dimension."""
    ran = several = 0
    for path in graphs():
        try:
            model = amble.Model(path)
        except (amble.UnsupportedError, amble.FileError, amble.ArgumentError):
            continue
        feed = {t.name: np.zeros([3 if n == -1 else n for n in t.shape], t.dtype) for t in model.inputs}
        out = model.run(feed)
        for tensor in model.outputs:
            expected = tuple(3 if n == -1 else n for n in tensor.shape)
            if all(-1 in t.shape for t in model.inputs):
                assert out[tensor.name].shape == expected, path
            assert out[tensor.name].dtype == tensor.dtype
        session = amble.InferenceSession(path)
        for a, b in zip(session.run(None, feed), out.values(), strict=True):
            assert np.allclose(a, b, atol=1e-2, equal_nan=True), path
        ran += 1
        several += len(model.inputs) > 1
    assert ran >= 10 and several >= 1


def test_session(model):
    session = amble.InferenceSession(str(ROOT / "assets/models/walk.onnx"), providers=["CPUExecutionProvider"])
    x = rows(4) * 50  # far beyond what "auto" was measured on
    (y,) = session.run(None, {session.get_inputs()[0].name: x})
    assert np.array_equal(y, amble.Model("models/walk.onnx", precision="fp32")(x))
    assert session.run(["output"], {"input": x})[0].shape == (4, 36)
    node = session.get_inputs()[0]
    assert (node.name, node.type, node.shape) == ("input", "tensor(float)", ["batch", 197])
    assert session.get_outputs()[0].shape == ["batch", 36]
    assert session.get_modelmeta().custom_metadata_map["kind"] == "actor"
    assert session.get_providers() == ["CPUExecutionProvider"]


def test_threads(model):
    x = rows(64)
    expected = model(x)
    wrong = []

    def work():
        for n in (64, 1, 7, 33) * 10:
            if not np.array_equal(model(x[:n]), expected[:n]):
                wrong.append(n)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
