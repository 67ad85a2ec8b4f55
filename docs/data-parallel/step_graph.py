"""Runs the step graphs that `npm run step-graph` writes, with onnxruntime on any of its devices."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
from safetensors import safe_open
from safetensors.numpy import load_file, save


class StepGraph:
    """The graphs of a run's directory and the state they work on, by the names in its step-graph.json."""

    def __init__(self, folder, providers=("CPUExecutionProvider",), threads=0):
        """
        providers: onnxruntime's execution providers, e.g. [("CUDAExecutionProvider", {"device_id": 0})]
        threads: threads of one operator on the CPU; 0: onnxruntime's choice
        """
        self.folder = Path(folder)
        try:
            self.about = json.loads((self.folder / "step-graph.json").read_text())
            self.config = json.loads((self.folder / "config.json").read_text())
        except OSError as error:
            raise SystemExit(f"error: {error}; write the directory with npm run step-graph")
        if self.about.get("version") != 1:
            raise SystemExit(f"error: {folder} is of another version; write it again with npm run step-graph")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3

        def session(graph):
            path = str(self.folder / self.about[graph]["file"])
            return ort.InferenceSession(path, options, providers=list(providers))

        self._gradient, self._update = session("gradient"), session("update")
        self._update_inputs = {value["name"] for value in self.about["update"]["inputs"]}
        self._scalars = load_file(self.folder / self.about["scalars"]["file"])
        self.total_steps = self.about["epochs"] * self.about["stepsPerEpoch"]
        self._load()

    def gradient(self, images, targets):
        """
        Forward and backward of one share of a batch.
        images: [share, 3, H, W], targets: [share, classes], float32
        returns the mean loss, the gradient [P] and the running statistics after it [B]
        """
        state = {name: self.state[name] for name in ("parameters", "buffers")}
        names = ["loss", "gradient", "next_buffers"]
        return self._gradient.run(names, {"images": images, "targets": targets, **state})

    def update(self, gradient, next_buffers):
        """One optimiser step with the mean gradient and running statistics of all shares."""
        scalars = {name: np.array(values[self.steps]) for name, values in self._scalars.items()}
        feeds = {**self.state, **scalars, "gradient": gradient, "next_buffers": next_buffers}
        outputs = [value["name"] for value in self.about["update"]["outputs"]]
        values = self._update.run(outputs, {k: v for k, v in feeds.items() if k in self._update_inputs})
        for name, value in zip(outputs, values):
            self.state[name.removeprefix("next_")] = value
        self.state["buffers"] = next_buffers
        self.steps += 1

    def save(self):
        """Writes the state where it was read from, in a way that no crash leaves half of it."""
        tensors = {}
        for vector, tensor in self._tensors():
            start = tensor["offset"]
            values = self.state[vector["name"]][start : start + tensor["size"]]
            tensors[vector["prefix"] + tensor["name"]] = values.reshape(tensor["dims"])
        epoch, batch = divmod(self.steps, self.about["stepsPerEpoch"])
        progress = {"epoch": epoch, "batch": batch, "steps": self.steps}
        metadata = {"format": "pt", "progress": json.dumps(progress), "dataset": self.config["dataset"]}
        temporary = self.path.with_suffix(".tmp")
        temporary.write_bytes(save(tensors, metadata))
        os.replace(temporary, self.path)

    @property
    def path(self):
        return self.folder / self.about["state"]["file"]

    def _load(self):
        tensors = load_file(self.path)
        with safe_open(self.path, "numpy") as file:
            self.steps = json.loads(file.metadata()["progress"]).get("steps", 0)
        self.state = {
            vector["name"]: np.empty(self.about["layouts"][vector["layout"]]["size"], np.float32)
            for vector in self.about["state"]["vectors"]
        }
        for vector, tensor in self._tensors():
            start = tensor["offset"]
            values = tensors[vector["prefix"] + tensor["name"]]
            self.state[vector["name"]][start : start + tensor["size"]] = values.ravel()

    def _tensors(self):
        for vector in self.about["state"]["vectors"]:
            for tensor in self.about["layouts"][vector["layout"]]["tensors"]:
                yield vector, tensor
