#!/usr/bin/env bash
# IREE: a Pad that moves a picture by a pixel leaves it where it is, and ReduceLogSumExp of 100 is infinite.
#
# Versions   iree-base-compiler and iree-base-runtime 3.13.0 (target llvm-cpu), onnx 1.23.2, onnxruntime 1.32.0
# Guess      What it compiles has the standard's values.
# What is so A Pad that cuts off on one side as much as it adds on the other has the size it began with, and is dropped: the pixels stay where
#            they were. ReduceLogSumExp takes the exponential as it is, without the largest taken off: from 89 on it is infinite.
# Who is hit Nets that shift their maps (temporal or spatial shifts without weights), losses and energies from logits.
# Seen       what, IREE, onnxruntime
#            pads of -1 and 1                               [1.0, 2.0, 3.0, 4.0] for [2.0, 3.0, 4.0, 0.0]
#            pads of 0 and 1                                as onnxruntime
#            ReduceLogSumExp of 100 and 90                  [inf] for [100.0]
#            ReduceLogSumExp of 10 and 9                    as onnxruntime
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet "iree-base-compiler[onnx]==3.13.0" iree-base-runtime==3.13.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import subprocess

import iree.runtime as runtime
import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper


def count(*shape):
    return numpy.arange(1, 1 + numpy.prod(shape), dtype=numpy.float32).reshape(shape)


def line(*values):
    return numpy.array(values, numpy.float32)


def build(inputs, nodes, constants={}, opset=17):
    """A checked model with the output y; a node: operator, inputs, outputs, attributes."""
    kinds = {n: (helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in inputs.items()}
    graph = helper.make_graph(
        [helper.make_node(operator, i.split(" "), o.split(" "), **attributes) for operator, i, o, attributes in nodes],
        "g",
        [helper.make_tensor_value_info(name, *kind) for name, kind in kinds.items()],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(v, n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    onnx.checker.check_model(model, full_check=True)
    return model


def compare(title, inputs, nodes, constants={}, opset=17, right=None):
    """Whether IREE has onnxruntime's values."""
    model = build(inputs, nodes, constants, opset)
    onnx.save(model, "model.onnx")
    expected = onnxruntime.InferenceSession("model.onnx").run(["y"], inputs)[0]
    assert right is None or numpy.allclose(expected.ravel(), right), title
    subprocess.run(["venv/bin/iree-import-onnx", "model.onnx", "-o", "model.mlir"], check=True)
    target = ["--iree-hal-target-backends=llvm-cpu", "--iree-llvmcpu-target-cpu=generic"]
    subprocess.run(["venv/bin/iree-compile", "model.mlir", *target, "-o", "model.vmfb"], check=True)
    context = runtime.SystemContext(config=runtime.Config("local-sync"))
    with open("model.vmfb", "rb") as file:
        module = runtime.VmModule.copy_buffer(context.instance, file.read())
    context.add_vm_module(module)
    found = context.modules[module.name]["g"](*inputs.values()).to_host()
    same = found.shape == expected.shape and numpy.allclose(found, expected, rtol=1e-3)
    shown = " for ".join(str([round(float(v), 2) for v in values.ravel()]) for values in (found, expected))
    print(f"{title:47}{'as onnxruntime' if same else shown}")
    return same


row = {"x": count(1, 1, 1, 4)}
for before, same, right in ((-1, False, [2, 3, 4, 0]), (0, True, [1, 2, 3, 4, 0])):
    pads = {"pads": numpy.array([0, 0, 0, before, 0, 0, 0, 1])}
    assert compare(f"pads of {before} and 1", row, [("Pad", "x pads", "y", {})], pads, right=right) == same
exponents = [("ReduceLogSumExp", "x", "y", {})]
assert not compare("ReduceLogSumExp of 100 and 90", {"x": line(100, 90)}, exponents)
assert compare("ReduceLogSumExp of 10 and 9", {"x": line(10, 9)}, exponents)
PYTHON
