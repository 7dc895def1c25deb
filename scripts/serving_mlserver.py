"""MLServer with a runtime for ONNX Runtime, one process: what amble-serve is compared with, in JSON, since MLServer's REST has no binary tensors.

python3 serving_mlserver.py PORT MODEL.onnx..."""
import asyncio
import sys
from pathlib import Path

import numpy
import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.types import InferenceResponse, MetadataTensor, ResponseOutput


class OnnxRuntime(MLModel):
    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options, providers=["CPUExecutionProvider"])
        given = self.session.get_inputs()[0]
        self.inputs = [MetadataTensor(name=given.name, datatype="FP32", shape=[-1, *given.shape[1:]])]
        return True

    async def predict(self, payload):
        given = payload.inputs[0]
        rows = numpy.asarray(given.data, "f4").reshape(given.shape)
        out = self.session.run(None, {self.session.get_inputs()[0].name: rows})[0]
        return InferenceResponse(model_name=self.name, outputs=[ResponseOutput(name="output", datatype="FP32", shape=list(out.shape),
                                                                               data=out.ravel().tolist())])


async def main():
    port = int(sys.argv[1])
    server = MLServer(Settings(host="127.0.0.1", http_port=port, grpc_port=port + 1000, metrics_endpoint=None, parallel_workers=0, debug=False,
                               logging_settings={"version": 1, "disable_existing_loggers": True}))
    models = [ModelSettings(name=Path(f).stem, implementation=OnnxRuntime, parameters={"uri": f}) for f in sys.argv[2:]]
    await server.start(models)


asyncio.run(main())
