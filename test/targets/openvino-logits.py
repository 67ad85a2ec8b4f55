"""Runs a folder of OpenVINO Model Server as the server reads it: images on stdin, logits on stdout, both float32."""

import json
import pathlib
import sys

import numpy as np
import openvino

folder = pathlib.Path(sys.argv[1])
config = json.loads((folder / "config.json").read_text())["model_config_list"][0]["config"]
core = openvino.Core()
model = core.read_model(folder / config["base_path"] / "1" / "model.onnx")
compiled = core.compile_model(model, "CPU", config["plugin_config"])
shape = [int(size) for size in sys.argv[2].split(",")]
images = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(shape)
sys.stdout.buffer.write(compiled({"input": images})["logits"].astype(np.float32).tobytes())
