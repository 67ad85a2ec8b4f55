"""A FastAPI server with onnxruntime. Needs: pip install fastapi "uvicorn[standard]" onnxruntime pillow numpy"""

import io
import json
import socket
import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image
from starlette.concurrency import run_in_threadpool

path, mean, std = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
mean = np.array(mean, np.float32)[:, None, None]
std = np.array(std, np.float32)[:, None, None]
app = FastAPI()


def classify(body: bytes):
    pixels = np.asarray(Image.open(io.BytesIO(body)).convert("RGB"), np.float32)
    image = (pixels.transpose(2, 0, 1) / 255 - mean) / std
    (logits,) = session.run(["logits"], {"input": image[None].astype(np.float32)})
    best = np.argsort(-logits[0])[:5]
    return {"predictions": [{"index": int(i), "score": float(logits[0, i])} for i in best]}


@app.post("/predict")
async def predict(request: Request):
    return await run_in_threadpool(classify, await request.body())


# asyncio turns Nagle's algorithm off only for sockets that are TCP by name.
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
