"""Checks model files with the official onnx package; see onnx-checker.test.ts.

For each path: the checker in full, and strict shape inference, after which every value must have a shape.
Exits with 1 and says which model is at fault, and why.
"""

import sys
import tempfile

import onnx

for path in sys.argv[1:]:
    try:
        # By path, as for models over 2 GB; external data is looked for beside the file.
        onnx.checker.check_model(path, full_check=True)
        with tempfile.NamedTemporaryFile(suffix=".onnx") as inferred:
            onnx.shape_inference.infer_shapes_path(
                path, inferred.name, check_type=True, strict_mode=True, data_prop=True
            )
            graph = onnx.load(inferred.name, load_external_data=False).graph
        known = {value.name for value in [*graph.value_info, *graph.output]}
        for node in graph.node:
            for output in node.output:
                assert output in known, f"no shape was inferred for {output}"
    except Exception as error:
        sys.exit(f"{path}: {error}")
print(f"onnx {onnx.__version__}: {len(sys.argv) - 1} models")
