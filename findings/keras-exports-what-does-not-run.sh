#!/usr/bin/env bash
# Keras's export to ONNX: a Normalization layer becomes two inputs more, groups and GELU operators that ONNX does not have; the call succeeds.
#
# Versions   keras 3.15.1, tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Guess      model.export("net.onnx", format="onnx") writes a model of one input, the picture, that onnxruntime opens and that has Keras's scores, or it raises.
# What is so Only for plain layers. The mean and variance that a Normalization layer was given stay as inputs of the graph, which have to be fed: onnxruntime asks for
#            them ("Required inputs ... are missing"), though of two inputs of the graph one may not even be read. A convolution with groups is TensorFlow's
#            compiled function and becomes a node StatefulPartitionedCall, an exact GELU one named Erfc; neither is an operator of ONNX, and the file is
#            invalid. Both are told in lines of a log; export() returns as ever, without an exception.
# Cause      keras/src/export/onnx.py hands the traced function to tf2onnx, whose tfonnx.py logs what it does not support ("Unsupported ops") and goes
#            on; numbers that the function captured are placeholders for it.
# Who is hit Who takes a classifier from Keras elsewhere: keras.applications' EfficientNet (Normalization), ConvNeXt (groups and GELU), any vision transformer (GELU).
# Seen       net                            inputs, operators that ONNX does not have, onnxruntime
#            a convolution                  1, none: Keras's scores
#            a depthwise one                1, none: Keras's scores
#            GELU by tanh                   1, none: Keras's scores
#            Normalization before it        3, none: Required inputs are missing
#            convolution with groups        1, StatefulPartitionedCall: INVALID_GRAPH
#            GELU                           1, Erfc: INVALID_GRAPH
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
KERAS_HOME="$folder" KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import keras
import numpy
import onnx
import onnxruntime
from keras import layers

pictures = numpy.random.default_rng(0).random((2, 8, 8, 4), dtype=numpy.float32)
known = {schema.name for schema in onnx.defs.get_all_schemas()}


def gelu_by_tanh(x):
    return keras.activations.gelu(x, approximate=True)


def look(title, expected, *middle):
    """What is written of a small classifier, and what onnxruntime makes of it."""
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3)]
    net = keras.Sequential([keras.Input((8, 8, 4)), *middle, *head])
    scores = net(pictures).numpy()
    net.export("net.onnx", format="onnx", verbose=False)
    graph = onnx.load("net.onnx").graph
    unknown = sorted({node.op_type for node in graph.node} - known)
    try:
        session = onnxruntime.InferenceSession("net.onnx")
        [got] = session.run(None, {graph.input[0].name: pictures})
        told = "Keras's scores" if numpy.allclose(got, scores, atol=1e-5) else "other scores"
    except Exception as error:
        told = next(word for word in ["Required inputs", "INVALID_GRAPH"] if word in str(error))
        told += " are missing" if told == "Required inputs" else ""
    line = f"{len(graph.input)}, {' '.join(unknown) or 'none'}: {told}"
    print(f"{title:31}{line}")
    assert line == expected, f"no longer so: {expected}"


fine = "1, none: Keras's scores"
look("a convolution", fine, layers.Conv2D(8, 3))
look("a depthwise one", fine, layers.DepthwiseConv2D(3))
look("GELU by tanh", fine, layers.Conv2D(8, 3, activation=gelu_by_tanh))
numbers = layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1, 2, 3, 4])
look("Normalization before it", "3, none: Required inputs are missing", numbers, layers.Conv2D(8, 3))
look("convolution with groups", "1, StatefulPartitionedCall: INVALID_GRAPH", layers.Conv2D(8, 3, groups=2))
look("GELU", "1, Erfc: INVALID_GRAPH", layers.Conv2D(8, 3, activation="gelu"))
PYTHON
