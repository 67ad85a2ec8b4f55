#!/usr/bin/env bash
# onnxruntime 1.32.0: ScatterND that adds (reduction="add") loses updates where several threads add to one place.
#
# One would guess: as in the operator's definition, indices that occur several times each add their update; the number
# of threads changes the speed, or at most the last digits. ScatterElements, its sibling, does so.
#
# So it is: with intra_op_num_threads above 1 the sums come out too small, and other ones in each run; whole updates are
# lost, nothing is said. With one thread they are right. Ones are added here, whose sums are exact in float32 in any
# order, so no rounding is involved.
#
# Who is hit: exports of index_put(accumulate=True) and of embedding gradients, and whoever builds gradients of Gather or
# GatherND as ScatterND.
#
# Seen (2 cores; of 20 runs):
#   ScatterND, 1 thread: 0 runs wrong
#   ScatterND, 2 threads: 15 runs wrong, the smallest sum 47 of 64
#   ScatterElements, 2 threads: 0 runs wrong
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.22.0 numpy

"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

ROWS, UPDATES, WIDTH, RUNS = 1, 64, 65536, 20


def session(op, threads):
    dims = [UPDATES, 1] if op == "ScatterND" else [UPDATES, WIDTH]
    attributes = {} if op == "ScatterND" else {"axis": 0}
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(op, ["data", "indices", "updates"], ["sums"], reduction="add", **attributes)],
        "sums",
        [
            info("data", TensorProto.FLOAT, [ROWS, WIDTH]),
            info("indices", TensorProto.INT64, dims),
            info("updates", TensorProto.FLOAT, [UPDATES, WIDTH]),
        ],
        [info("sums", TensorProto.FLOAT, [ROWS, WIDTH])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]), dims


def wrong_runs(op, threads):
    run, dims = session(op, threads)
    feeds = {
        "data": np.zeros((ROWS, WIDTH), np.float32),
        "indices": np.zeros(dims, np.int64),
        "updates": np.ones((UPDATES, WIDTH), np.float32),
    }
    sums = [run.run(None, feeds)[0] for _ in range(RUNS)]
    wrong = sum(bool((each != UPDATES).any()) for each in sums)
    smallest = int(min(each.min() for each in sums))
    print(f"{op}, {threads} thread(s): {wrong} runs wrong" + (f", the smallest sum {smallest} of {UPDATES}" if wrong else ""))
    return wrong


print("onnxruntime", onnxruntime.__version__)
one, two, elements = wrong_runs("ScatterND", 1), wrong_runs("ScatterND", 2), wrong_runs("ScatterElements", 2)
raise SystemExit(0 if one == 0 and two > 0 and elements == 0 else 1)
PY
