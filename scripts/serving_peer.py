"""The Open Inference Protocol's binary infer call with ONNX Runtime, FastAPI and uvicorn: what amble-serve is compared with.

python3 serving_peer.py PORT MODEL.onnx..."""
import json
import sys
from pathlib import Path

import numpy
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request, Response

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
sessions = {Path(f).stem: onnxruntime.InferenceSession(f, options, providers=["CPUExecutionProvider"]) for f in sys.argv[2:]}
app = FastAPI()


@app.get("/v2/models/{name}")
async def metadata(name: str):
    given = sessions[name].get_inputs()[0]
    return {"name": name, "inputs": [{"name": given.name, "datatype": "FP32", "shape": [-1, *given.shape[1:]]}]}


@app.post("/v2/models/{name}/infer")
async def infer(name: str, request: Request):
    body = await request.body()
    start = int(request.headers["inference-header-content-length"])
    wanted = json.loads(body[:start])["inputs"][0]
    rows = numpy.frombuffer(body, "<f4", offset=start).reshape(wanted["shape"])
    session = sessions[name]
    out = session.run(None, {session.get_inputs()[0].name: rows})[0]
    head = json.dumps({"model_name": name, "model_version": "1", "outputs": [{"name": "output", "datatype": "FP32", "shape": list(out.shape),
                                                                              "parameters": {"binary_data_size": out.nbytes}}]}).encode()
    return Response(head + out.tobytes(), media_type="application/octet-stream", headers={"Inference-Header-Content-Length": str(len(head))})


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
