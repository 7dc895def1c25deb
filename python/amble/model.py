"""Networks from ONNX files, run on the CPU by amble's kernels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _amble


@dataclass(frozen=True)
class Tensor:
    """An input or output: its name, numpy type and shape; -1 is the batch, any number of rows."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]


class Model:
    """A network from an ONNX file.

        model = amble.Model("policy.onnx")
        actions = model(observations)            # one input, one output: (n, 48) -> (n, 12), or (48,) -> (12,)
        out = model(obs=x, h=state)              # several: a dictionary {"actions": …, "h": …}

    Args:
        source: a path, one of amble's own networks by name ("walk"), or the bytes of a file.
        precision: of the weights. "auto": the narrowest whose outputs stay within `max_mse` of double precision on standard
            normal rows behind the normaliser; "fp32", "bf16", "int16", "int8". Rows far from those need "fp32".
        max_mse, calibration_rows: of "auto".
        name: replaces the path in sentences, where `source` is bytes.

    A call releases the GIL; any number of threads may use one model. A row's result does not depend on the other rows.
    """

    def __init__(
        self,
        source: Any,
        *,
        precision: str = "auto",
        max_mse: float | None = None,
        calibration_rows: int | None = None,
        name: str = "model",
    ):
        settings = {"precision": precision, "max_mse": max_mse, "calibration_rows": calibration_rows}
        self._arguments = (source, {**settings, "name": name})
        if isinstance(source, bytes | bytearray | memoryview):
            self._model = _amble.Model(source, name, settings)
        else:
            path = os.fspath(source)
            if not os.path.exists(path) and isinstance(path, str) and path.startswith("models/"):
                path = _amble.find_asset(path)
            self._model = _amble.Model(path, None, settings)
        self.inputs = [Tensor(n, np.dtype(t), s) for n, t, s in self._model.inputs()]
        self.outputs = [Tensor(n, np.dtype(t), s) for n, t, s in self._model.outputs()]
        self._by_name = {t.name: t for t in self.inputs}
        first, only = self.outputs[0], len(self.inputs) == 1 and len(self.outputs) == 1
        self._fast = only and self.inputs[0].shape[0] == -1 and first.shape[0] == -1
        self._row = first.shape[1:]
        self._out_dtype, self._in_dtype = first.dtype, self.inputs[0].dtype
        self._in_rank = len(self.inputs[0].shape)

    @property
    def metadata(self) -> dict[str, str]:
        """The file's metadata_props."""
        return self._model.metadata()

    @property
    def info(self) -> dict[str, Any]:
        """The packed network: precision, kernel, mse, weight_bytes, multiplications, precisions."""
        return self._model.info()

    @property
    def precision(self) -> str:
        """The number format of the weights: "fp32", "bf16", "int16" or "int8"."""
        return self._model.info()["precision"]

    def __call__(self, *args: Any, **inputs: Any) -> Any:
        """Runs the network on arrays, by place or by name. The array, or, of several outputs, {name: array}."""
        if self._fast and len(args) == 1 and not inputs:
            x = _cast(args[0], self._in_dtype, self.inputs[0].name)
            if x.ndim == self._in_rank:
                y = np.empty((x.shape[0], *self._row), self._out_dtype)
                if x.shape[0] > 0:
                    self._model.run_one(x, y)
                    return y
                self._check_empty(x)
                return y
            y = np.empty(self._row, self._out_dtype)
            self._model.run_one(x, y)
            return y
        if len(args) > len(self.inputs):
            raise TypeError(f"{len(args)} inputs, expected {len(self.inputs)}")
        feed = {t.name: a for t, a in zip(self.inputs, args, strict=False)}
        for name in inputs:
            if name in feed:
                raise TypeError(f"the input {name!r} is given twice")
        feed.update(inputs)
        out = self.run(feed)
        return next(iter(out.values())) if len(self.outputs) == 1 else out

    def run(self, feed: dict[str, Any], outputs: list[str] | None = None) -> dict[str, np.ndarray]:
        """{input's name: array} → {output's name: array}; outputs: the names of those that are needed."""
        unknown = [name for name in feed if name not in self._by_name]
        missing = [name for name in self._by_name if name not in feed]
        if unknown or missing:
            what = f"there is no input {unknown[0]!r}" if unknown else f"the input {missing[0]!r} is missing"
            raise ValueError(f"{what}; the inputs are {', '.join(self._by_name)}")
        known = {t.name: t for t in self.outputs}
        for name in outputs or []:
            if name not in known:
                raise ValueError(f"there is no output {name!r}; the outputs are {', '.join(known)}")
        rows: int | None = None
        pairs: list[tuple[str | None, Any]] = []
        single = False
        for tensor in self.inputs:
            x = _cast(feed[tensor.name], tensor.dtype, tensor.name)
            pairs.append((tensor.name, x))
            if -1 in tensor.shape:
                if x.ndim == len(tensor.shape):
                    rows = x.shape[tensor.shape.index(-1)] if rows is None else rows
                else:
                    single = True
        wanted = [known[name] for name in outputs] if outputs is not None else self.outputs
        results = {}
        for tensor in wanted:
            if rows is None and single:
                shape = tuple(n for n in tensor.shape if n != -1)
            else:
                shape = tuple((rows if rows is not None else 1) if n == -1 else n for n in tensor.shape)
            results[tensor.name] = np.empty(shape, tensor.dtype)
        if rows != 0:
            self._model.run(pairs, [(name, array) for name, array in results.items()])
        return results

    def _check_empty(self, x: np.ndarray) -> None:
        if x.shape[1:] != self.inputs[0].shape[1:]:
            raise ValueError(f"{self.inputs[0].name}: the array has the shape {x.shape}, expected {self.inputs[0].shape}")

    def __reduce__(self):
        return _rebuild, self._arguments


def _rebuild(source: Any, settings: dict[str, Any]) -> Model:
    return Model(source, **settings)


def _cast(value: Any, dtype: np.dtype, name: str) -> np.ndarray:
    x = np.asarray(value)
    if x.dtype != dtype:
        if not np.can_cast(x.dtype, dtype, "same_kind"):
            raise TypeError(f"{name}: the array's numbers are {x.dtype}, expected {dtype}")
        x = x.astype(dtype)
    return x if x.flags.c_contiguous else np.ascontiguousarray(x)


_ORT_TYPES = {
    "float32": "tensor(float)",
    "float64": "tensor(double)",
    "float16": "tensor(float16)",
    "int32": "tensor(int32)",
    "int64": "tensor(int64)",
    "bool": "tensor(bool)",
}


@dataclass(frozen=True)
class NodeArg:
    """What `InferenceSession.get_inputs` lists: name, type ("tensor(float)") and shape ("batch" for any number)."""

    name: str
    type: str
    shape: list[Any]


@dataclass(frozen=True)
class ModelMeta:
    """What `InferenceSession.get_modelmeta` returns."""

    custom_metadata_map: dict[str, str]
    graph_name: str = ""
    producer_name: str = ""
    version: int = 0


class InferenceSession:
    """A drop-in for onnxruntime.InferenceSession on the networks that amble supports, in fp32: within 1e-6 for any rows.

    import amble as onnxruntime          # session.run(None, {"obs": x}) goes on as before

    sess_options, providers and provider_options are accepted and ignored: everything runs on the calling thread.
    """

    def __init__(self, path_or_bytes: Any, sess_options: Any = None, providers: Any = None, provider_options: Any = None, **unused: Any):
        self._model = Model(path_or_bytes, precision="fp32")

    def run(self, output_names: list[str] | None, input_feed: dict[str, Any], run_options: Any = None) -> list[np.ndarray]:
        names = output_names or [t.name for t in self._model.outputs]
        out = self._model.run(input_feed, list(names))
        return [out[name] for name in names]

    def get_inputs(self) -> list[NodeArg]:
        return [_node(t) for t in self._model.inputs]

    def get_outputs(self) -> list[NodeArg]:
        return [_node(t) for t in self._model.outputs]

    def get_modelmeta(self) -> ModelMeta:
        return ModelMeta(self._model.metadata)

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


def _node(tensor: Tensor) -> NodeArg:
    return NodeArg(tensor.name, _ORT_TYPES[str(tensor.dtype)], ["batch" if n == -1 else n for n in tensor.shape])
