"""Asks a server all that Triton's own client for HTTP can ask of it, and prints the answers as JSON.

    pip install "tritonclient[http]" && python triton-client.py HOST:PORT[/PREFIX]

The model `net` takes [n, 3, 8, 8] and gives twice the mean of each channel; `half` cannot be loaded.
"""

import json
import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

client = http.InferenceServerClient(sys.argv[1], concurrency=2)
red = np.stack([np.ones((8, 8)), -np.ones((8, 8)), -np.ones((8, 8))]).astype(np.float32)
blue = red[::-1]
batch = np.stack([red, blue])
answers = {}


def tensor(binary=True, data=batch):
    value = http.InferInput("input", list(data.shape), "FP32")
    value.set_data_from_numpy(np.ascontiguousarray(data), binary_data=binary)
    return value


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return error.message()
    return None


def plain(result, name):
    value = result.as_numpy(name)
    # Of JSON they are texts already.
    return [text.decode() if isinstance(text, bytes) else text for text in value.ravel()] if value.dtype == object else value.tolist()


answers["live"] = client.is_server_live()
answers["ready"] = client.is_server_ready()
answers["models"] = [client.is_model_ready(*model) for model in [("net",), ("net", "1"), ("half",), ("none",)]]
answers["server"] = client.get_server_metadata()["name"]
answers["metadata"] = client.get_model_metadata("net")
answers["config"] = client.get_model_config("net", "1")
answers["index"] = client.get_model_repository_index()
for binary in (True, False):
    result = client.infer("net", [tensor(binary)], model_version="1", request_id="7")
    answers[f"all {binary}"] = [plain(result, "logits"), plain(result, "probabilities"), result.get_response()["id"]]
    outputs = [
        http.InferRequestedOutput("probabilities", binary_data=binary, class_count=2),
        http.InferRequestedOutput("logits", binary_data=binary),
    ]
    result = client.infer("net", [tensor(binary)], outputs=outputs, priority=1, timeout=1000000)
    answers[f"named {binary}"] = [plain(result, "probabilities"), plain(result, "logits")]
result = client.async_infer("net", [tensor()], parameters={"mine": "x"}).get_result()
answers["async"] = plain(result, "logits")
shared = http.InferRequestedOutput("logits")
shared.set_shared_memory("region", 24)
answers["shared output"] = refused(lambda: client.infer("net", [tensor()], outputs=[shared]))
value = http.InferInput("input", [2, 3, 8, 8], "FP32")
value.set_shared_memory("region", 1536)
answers["shared input"] = refused(lambda: client.infer("net", [value]))
answers["unusable"] = refused(lambda: client.infer("half", [tensor()]))
answers["unknown"] = refused(lambda: client.infer("none", [tensor()]))
answers["statistics"] = [
    client.get_inference_statistics(*model)["model_stats"][0]["inference_count"] for model in [(), ("net",), ("net", "1")]
]
client.close()
print(json.dumps(answers))
