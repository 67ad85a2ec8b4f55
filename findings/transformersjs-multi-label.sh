#!/usr/bin/env bash
# transformers.js puts softmax over a classifier's scores, also where config.json says they are independent.
#
# Versions   @huggingface/transformers 4.3.2 under Node, onnx 1.23.2
# Guess      problem_type "multi_label_classification" makes the image-classification pipeline apply a sigmoid to
#            each score, as transformers' pipeline does in Python (and transformers.js's own for texts).
# What is so The field is not looked at for images. Logits 2, 2, -2 are three independent 0.88, 0.88, 0.12 in
#            Python; in the page they are 0.495, 0.495, 0.009, and no threshold of 0.5 finds a label.
# Who is hit Multi-label models (tags, x-rays) moved from Python to the page.
# Seen       [["a",0.495],["b",0.495],["c",0.009]], sum 1.000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts @huggingface/transformers@4.3.2 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 numpy==2.3.5
mkdir -p tags/onnx
venv/bin/python - <<'PYTHON'
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Logits that do not depend on the picture.
graph = helper.make_graph(
    [
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "bias"], ["logits"]),
    ],
    "tags",
    [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, 8, 8])],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
    [
        numpy_helper.from_array(np.zeros((1, 1), np.float32), "zero"),
        numpy_helper.from_array(np.array([[2, 2, -2]], np.float32), "bias"),
    ],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "tags/onnx/model.onnx")
labels = ["a", "b", "c"]
json.dump(
    {
        "model_type": "vit",
        "architectures": ["ViTForImageClassification"],
        "problem_type": "multi_label_classification",
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "label2id": {label: index for index, label in enumerate(labels)},
    },
    open("tags/config.json", "w"),
)
json.dump(
    {"image_processor_type": "ViTImageProcessor", "do_resize": False, "do_normalize": False},
    open("tags/preprocessor_config.json", "w"),
)
PYTHON
cat >classify.mjs <<'JAVASCRIPT'
import { env, pipeline, RawImage } from '@huggingface/transformers';

env.allowRemoteModels = false;
env.localModelPath = './';
const classify = await pipeline('image-classification', 'tags', { dtype: 'fp32' });
const found = await classify(new RawImage(new Uint8ClampedArray(8 * 8 * 3), 8, 8, 3), { top_k: 3 });
const sum = found.reduce((all, { score }) => all + score, 0);
console.log(`${JSON.stringify(found.map(({ label, score }) => [label, Number(score.toFixed(3))]))}, sum ${sum.toFixed(3)}`);
const independent = found.some(({ score }) => Math.abs(score - 1 / (1 + Math.exp(-2))) < 0.01);
if (independent || Math.abs(sum - 1) > 0.001) throw new Error('the scores are independent now');
JAVASCRIPT
node classify.mjs
