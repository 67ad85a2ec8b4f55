"""Parses a config.pbtxt as Triton's own schema has it, and prints it as JSON; exit code 3: a package is missing."""

import importlib.util
import os
import sys

try:
    from google.protobuf import json_format, text_format

    package = importlib.util.find_spec("tritonclient").submodule_search_locations[0]
    # Not imported as a part of its package, which wants grpcio.
    spec = importlib.util.spec_from_file_location("pb2", os.path.join(package, "grpc", "model_config_pb2.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
except (ImportError, AttributeError) as error:
    print(error, file=sys.stderr)
    sys.exit(3)

config = text_format.Parse(sys.stdin.read(), module.ModelConfig())
print(json_format.MessageToJson(config, preserving_proto_field_name=True))
