#!/usr/bin/env bash
# safetensors.numpy saves a transposed array with its values in the old order under the new shape.
#
# Versions   safetensors 0.8.0, numpy 2.4.6
# Guess      What save_file is given load_file gives back; an array that is not contiguous is copied first, or refused
#            as safetensors.torch refuses it ("You are trying to save a non contiguous tensor").
# What is so The memory is written as it lies, the shape is the view's. A transposed array comes back reshaped instead
#            of transposed, one in Fortran's order comes back transposed in itself, of every second column come
#            neighbours. Nothing is said; shapes, types and the sum over all of a transposed filter are right.
# Who is hit Converters of weights: filters from TensorFlow or Flax, [H, W, in, out], are turned by
#            `.transpose(3, 2, 0, 1)`, which is a view, and saved. Every convolution is then scrambled, and the net
#            loads strictly. np.ascontiguousarray before saving helps.
# Seen       filter [3, 3, 8, 16] as [16, 8, 3, 3]: 1150 of 1152 values elsewhere, none lost
#            the same made contiguous: 0 of 1152 values elsewhere
#            Fortran order [2, 3]: [[0, 1, 2], [3, 4, 5]] is [[0, 3, 1], [4, 2, 5]]
#            every second column: [[0, 2], [3, 5]] is [[0, 1], [2, 3]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet safetensors==0.8.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import numpy as np
from safetensors.numpy import load_file, save_file


def there_and_back(array):
    save_file({"weight": array}, "net.safetensors")
    back = load_file("net.safetensors")["weight"]
    assert back.shape == array.shape and back.dtype == array.dtype
    return back


tensorflow = np.arange(3 * 3 * 8 * 16, dtype=np.float32).reshape(3, 3, 8, 16)
turned = tensorflow.transpose(3, 2, 0, 1)
view, copy = there_and_back(turned), there_and_back(np.ascontiguousarray(turned))
elsewhere = int((view != turned).sum())
kept = "none lost" if np.array_equal(np.sort(view.ravel()), np.sort(turned.ravel())) else "some lost"
print(f"filter [3, 3, 8, 16] as [16, 8, 3, 3]: {elsewhere} of {turned.size} values elsewhere, {kept}")
print(f"the same made contiguous: {(copy != turned).sum()} of {turned.size} values elsewhere")
rows = np.arange(6, dtype=np.float32).reshape(2, 3)
fortran = there_and_back(np.asfortranarray(rows))
print(f"Fortran order [2, 3]: {rows.astype(int).tolist()} is {fortran.astype(int).tolist()}")
columns = there_and_back(rows[:, ::2])
print(f"every second column: {rows[:, ::2].astype(int).tolist()} is {columns.astype(int).tolist()}")
assert elsewhere > 1000 and kept == "none lost", "a transposed array is saved as it is now"
assert np.array_equal(copy, turned), "a contiguous array comes back otherwise"
assert not np.array_equal(fortran, rows) and not np.array_equal(columns, rows[:, ::2]), "views are saved right now"
PYTHON
