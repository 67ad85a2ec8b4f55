#!/usr/bin/env bash
# onnx-proto forgets every field that ONNX got after 1.10: a model read and written by it may answer another class.
#
# Versions   onnx-proto 8.0.1, onnx 1.23.2, onnxruntime 1.32.0
# Guess      What a protobuf library does not know it keeps: unknown fields go through a decode and an encode, as
#            Google's libraries have it.
# What is so They are gone (protobufjs' generated code skips them). Among them is FunctionProto.attribute_proto, the
#            defaults of a function's attributes: after a round trip through onnx-proto the file still passes
#            ONNX's checker, onnxruntime loads it, and computes with the operator's own default instead.
# Who is hit Whoever edits models in JavaScript (metadata, names, shapes) that PyTorch's exporter wrote.
# Seen       before: [ 3.  -0.5], after decode and encode: [ 3.   -0.01]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts onnx-proto@8.0.1 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0
venv/bin/python - <<'PYTHON'
import onnx
from onnx import TensorProto, helper

opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]


# Mine(x) = LeakyRelu(x), whose slope is an attribute of the function with the default 0.5.
inner = helper.make_node("LeakyRelu", ["x"], ["y"])
slope = inner.attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT)
slope.ref_attr_name = "slope"
mine = helper.make_function(
    "mine", "Mine", ["x"], ["y"], [inner], opsets[:1], attribute_protos=[helper.make_attribute("slope", 0.5)]
)
graph = helper.make_graph(
    [helper.make_node("Mine", ["x"], ["y"], domain="mine")],
    "net",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
)
model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
model.functions.append(mine)
onnx.save(model, "before.onnx")
PYTHON
node --input-type=module - <<'JAVASCRIPT'
import { readFileSync, writeFileSync } from 'node:fs';
import proto from 'onnx-proto';

const { onnx } = proto;
const model = onnx.ModelProto.decode(readFileSync('before.onnx'));
writeFileSync('after.onnx', onnx.ModelProto.encode(model).finish());
JAVASCRIPT
venv/bin/python - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime

x = np.array([3, -1], np.float32)


def answer(path):
    return onnxruntime.InferenceSession(path).run(None, {"x": x})[0]


before = answer("before.onnx")
try:
    onnx.checker.check_model("after.onnx")
    after = answer("after.onnx")
except Exception as error:
    after = f"refused: {str(error).splitlines()[0]}"
print(f"before: {before}, after decode and encode: {after}")
assert not isinstance(after, str), "the file is refused now"
assert before[1] == -0.5 and after[1] > -0.1, "the default survives now"
PYTHON
