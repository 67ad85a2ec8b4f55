/** Stands for a Python callable: what it makes of its positional arguments. */
export type PickleFunction = (args: readonly unknown[]) => unknown;

/** All that a pickle may do beside plain values; whatever is not in here is refused. */
export interface PickleRules {
  /**
   * By module and name with a dot between, e.g. `numpy.dtype`: a {@link PickleFunction} for what may be called;
   * anything else is a mere value.
   */
  globals: ReadonlyMap<string, unknown>;
  /** What a global that is not in the map stands for, or throws its refusal; absent: an error that lists the map. */
  unknownGlobal?: (name: string) => unknown;
  /** What a persistent id stands for (PyTorch's storages); absent: such ids are refused. */
  persistentLoad?: (id: unknown) => unknown;
  /** What Python 2's `str` becomes: bytes, or text in Latin-1. */
  byteStrings: 'bytes' | 'text';
  /**
   * True: dict keys that compare by identity (tuples) are taken, for nobody looks them up, and the state that an
   * object is given (BUILD) is passed over unless the object is a {@link PickledObject}. False: both are refused.
   */
  lenient: boolean;
}

/** An object that takes its state after it was made, as Python's `__setstate__` (opcode BUILD). */
export abstract class PickledObject {
  /** @throws PickleError if it is no state of such an object */
  abstract setState(state: unknown): void;
  /** Takes keys and values in turn, as a dict does; absent: it is none. */
  setItems?(items: readonly unknown[]): void;
  /** Takes items, as a list or a set does; absent: it is neither. */
  add?(items: readonly unknown[]): void;
  /** What calling it, or making an instance of it, gives; absent: it is nothing to call. */
  call?(args: readonly unknown[]): unknown;
}
