#!/usr/bin/env bash
# onnxruntime does not run the nodes in the file's order: what needs two buffers there may hold seventeen.
#
# Versions   onnxruntime 1.32.0 (CPU), onnx 1.23.2
# Guess      The nodes of a file are sorted, and a runtime takes them as they come, or better: a value that is made just
#            before its reader is in memory just then, and an exporter that orders its nodes saves memory.
# What is so The order is made anew, from the results back to the inputs: what hangs on nothing but inputs (expanded
#            constants, unpacked weights, masks) is computed before the long chain that will read it, all of it at
#            once. 16 times "expand a number to 32 MB, multiply the image by it" holds 16 of these where the file's
#            order needs one. Turning the factors round changes nothing. PRIORITY_BASED, a setting of the session,
#            takes the file's order here.
# Who is hit Training and gradient graphs, decompressed weights, whoever computes peak memory from the file; it is
#            killed for memory where a sum by hand says that it fits.
# Seen       default: 576 MB more, EEEEEEEEEEEEEEEEMMMMMMMMMMMMMMMMR
#            factors turned round: 576 MB more, EEEEEEEEEEEEEEEEMMMMMMMMMMMMMMMMR
#            PRIORITY_BASED: 100 MB more, EMEMEMEMEMEMEMEMEMEMEMEMEMEMEMEMR
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >order.py <<'PYTHON'
import json
import resource
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

STEPS, SIZE = 16, 8 * 1024 * 1024


def model(turned):
    nodes = []
    for i in range(STEPS):
        factors = [f"x{i}", f"e{i}"]
        nodes.append(helper.make_node("Expand", [f"c{i}", "size"], [f"e{i}"]))
        nodes.append(helper.make_node("Mul", factors[::-1] if turned else factors, [f"x{i + 1}"]))
    nodes.append(helper.make_node("ReduceMax", [f"x{STEPS}"], ["y"], keepdims=0))
    inputs = [helper.make_tensor_value_info("x0", TensorProto.FLOAT, [SIZE])]
    inputs += [helper.make_tensor_value_info(f"c{i}", TensorProto.FLOAT, [1]) for i in range(STEPS)]
    graph = helper.make_graph(
        nodes,
        "order",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
        [numpy_helper.from_array(np.array([SIZE], np.int64), "size")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


name = sys.argv[1]
options = onnxruntime.SessionOptions()
options.enable_profiling = True
if name == "PRIORITY_BASED":
    options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
session = onnxruntime.InferenceSession(model(name == "factors turned round"), options)
feeds = {"x0": np.ones(SIZE, np.float32), **{f"c{i}": np.ones(1, np.float32) for i in range(STEPS)}}
before = megabytes()
session.run(None, feeds)
more = megabytes() - before
events = json.load(open(session.end_profiling()))
order = "".join(event["args"]["op_name"][0] for event in events if event["name"].endswith("_kernel_time"))
print(f"{name}: {more} MB more, {order}")
sorted_as_in_file = order == "EM" * STEPS + "R"
assert sorted_as_in_file == (name == "PRIORITY_BASED"), "the order is another now"
assert more < 200 if sorted_as_in_file else more > 400, "memory is another now"
PYTHON
for name in default 'factors turned round' PRIORITY_BASED; do venv/bin/python order.py "$name"; done
