/** Stands for a Python callable: what it makes of its positional arguments. */
export type PickleFunction = (args: readonly unknown[]) => unknown;

/** All that a pickle may do beside plain values; whatever is not in here is refused by name. */
export interface PickleRules {
  /** By module and name with a dot between, e.g. `numpy.dtype`. A class used as a value is a function too. */
  globals: ReadonlyMap<string, PickleFunction>;
  /** What a persistent id stands for (PyTorch's storages); absent: such ids are refused. */
  persistentLoad?: (id: unknown) => unknown;
}

/** An object that takes its state after it was made, as Python's `__setstate__` (opcode BUILD). */
export abstract class PickledObject {
  /** @throws PickleError if it is no state of such an object */
  abstract setState(state: unknown): void;
}
