import { UserError } from '../../errors.ts';
import { TensorReference } from './tensor.ts';

/** Where training scripts put the model's state dict in a checkpoint, the more explicit names first. */
const STATE_DICT_KEYS = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'net',
  'network',
  'weights',
];

/** A checkpoint's dict in a dict in a dict; deeper ones do not occur, and a dict may contain itself. */
const MAX_DEPTH = 3;

/**
 * Finds the model's state dict in an unpickled checkpoint: the one under `key`, else under one of the usual
 * names (`state_dict`, `model`, `net`, ...), else the checkpoint itself.
 * @returns its tensors by name, those that are no weights too
 * @throws UserError if there is none
 */
export function findStateDict(
  checkpoint: unknown,
  source: string,
  key?: string,
): Map<string, TensorReference> {
  if (!(checkpoint instanceof Map)) {
    throw new UserError(
      `${source} holds no state dict; in PyTorch, save torch.save(model.state_dict(), FILE)`,
    );
  }
  const found = key === undefined ? search(checkpoint, MAX_DEPTH) : tensorsIn(checkpoint.get(key) as unknown);
  if (found) return found;
  const keys = [...checkpoint.keys()].filter((name) => typeof name === 'string').slice(0, 8);
  const holds =
    keys.length > 0 ? `it holds ${keys.map((name) => JSON.stringify(name)).join(', ')}` : 'it is empty';
  const missing = key === undefined ? 'no state dict' : `no state dict under "${key}"`;
  throw new UserError(`${source} has ${missing}; ${holds}`);
}

function search(value: unknown, depth: number): Map<string, TensorReference> | undefined {
  if (!(value instanceof Map) || depth === 0) return undefined;
  // First below: a checkpoint may have a tensor (a random state) beside its state dict.
  for (const key of STATE_DICT_KEYS) {
    const found = search(value.get(key), depth - 1);
    if (found) return found;
  }
  return tensorsIn(value);
}

function tensorsIn(value: unknown): Map<string, TensorReference> | undefined {
  if (!(value instanceof Map)) return undefined;
  const tensors = new Map<string, TensorReference>();
  for (const [name, item] of value) {
    if (typeof name === 'string' && item instanceof TensorReference) tensors.set(name, item);
  }
  return tensors.size > 0 ? tensors : undefined;
}
