import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorMessage, UserError } from '../errors.ts';

/** OpenVINO's C library by its name in the folder of libraries; its number is that of {@link OPENVINO_VERSION}. */
export const C_LIBRARY = 'libopenvino_c.so.2641';
/** The OpenVINO whose C interface is called here. */
export const OPENVINO_VERSION = '2026.4.1';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Where `npm run setup:openvino` puts it; outlives node_modules, so that `npm ci` does not cost the download again. */
export const OPENVINO_CACHE = join(PROJECT, '.openvino');

/** The folder of the libraries. */
export function libraryFolder(cache = OPENVINO_CACHE): string {
  return join(cache, 'library');
}

/** Something of OpenVINO's, by its address. */
export type Pointer = bigint;

/** `ov_shape_t`, and `ov_property_t`. */
interface Shape {
  rank: number;
  dims: BigInt64Array | Pointer;
}
interface Property {
  key: string;
  value: string;
}
type Status = number;
type Out = [Pointer | null];

/** The functions of OpenVINO's C interface that are called here; each gives a status, 0 for success. */
export interface OpenVino {
  createCore(core: Out): Status;
  readModel(core: Pointer, bytes: Uint8Array, length: number, weights: null, model: Out): Status;
  compile(
    core: Pointer,
    model: Pointer,
    device: string,
    count: number,
    properties: readonly Property[],
    compiled: Out,
  ): Status;
  createRequest(compiled: Pointer, request: Out): Status;
  createTensor(type: number, shape: Shape, tensor: Out): Status;
  tensorData(tensor: Pointer, data: Out): Status;
  tensorType(tensor: Pointer, type: [number]): Status;
  tensorShape(tensor: Pointer, shape: [Shape]): Status;
  setTensor(request: Pointer, name: string, tensor: Pointer): Status;
  getTensor(request: Pointer, name: string, tensor: Out): Status;
  infer(request: Pointer): Status;
  freeShape(shape: Shape): Status;
  freeCore(core: Pointer): void;
  freeModel(model: Pointer): void;
  freeCompiled(compiled: Pointer): void;
  freeRequest(request: Pointer): void;
  freeTensor(tensor: Pointer): void;
  /** Why the last call failed, in OpenVINO's words. */
  lastError(): string;
  /** Copies `bytes` to an address. */
  write(to: Pointer, from: NodeJS.TypedArray): void;
  /** Fills `to` with what lies at an address. */
  read(to: NodeJS.TypedArray | BigInt64Array, from: Pointer): void;
}

/** What a C function of OpenVINO needs of the stack is more than koffi's 1 MB: its compiler recurses. */
const STACK_BYTES = 16 * 2 ** 20;

let loaded: OpenVino | undefined;

/**
 * OpenVINO's library, loaded once a thread; a process has it once.
 * @throws UserError if it is not set up or does not load
 */
export function loadOpenVino(): OpenVino {
  loaded ??= load(libraryFolder());
  return loaded;
}

/** Whether OpenVINO's libraries are there. */
export function isSetUp(folder = libraryFolder()): boolean {
  return existsSync(join(folder, C_LIBRARY));
}

/**
 * @param folder of the libraries
 * @throws UserError if there are none, that says how to get them
 */
export function requireOpenVino(folder = libraryFolder()): void {
  if (!isSetUp(folder)) {
    throw new UserError('OpenVINO is not set up here; npm run setup:openvino gets it');
  }
}

/** @throws UserError as {@link loadOpenVino} */
export function load(folder: string): OpenVino {
  requireOpenVino(folder);
  // Not by import(): a page's build would take it along, and it is optional.
  const koffi = loadKoffi();
  try {
    return declare(koffi, join(folder, C_LIBRARY));
  } catch (error) {
    const reason = errorMessage(error).split('\n')[0];
    throw new UserError(`OpenVINO does not load (${reason}); npm run setup:openvino -- --force gets it anew`);
  }
}

type Koffi = typeof import('koffi');
type TypeObject = import('koffi').TypeObject;

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    throw new UserError('OpenVINO is called by the package koffi, which is not installed; npm ci gets it');
  }
}

function declare(koffi: Koffi, path: string): OpenVino {
  // Refused after the first call of a process, which then had it.
  if (koffi.config().sync_stack_size !== STACK_BYTES) koffi.config({ sync_stack_size: STACK_BYTES });
  const shape = koffi.struct({ rank: 'int64_t', dims: 'int64_t *' });
  const property = koffi.struct({ key: 'const char *', value: 'const char *' });
  const out = koffi.out(koffi.pointer('void *'));
  const library = koffi.load(path);
  const status = (name: string, ...args: (string | TypeObject | typeof out)[]) =>
    library.func(name, 'int', args);
  const free = (name: string) => library.func(name, 'void', ['void *']);
  const lastError = library.func('ov_get_last_err_msg', 'void *', []);
  const freeText = free('ov_free');
  const copy = koffi.load(null);
  const move = copy.func('memcpy', 'void *', ['void *', 'const void *', 'size_t']);
  return {
    createCore: status('ov_core_create', out),
    readModel: status(
      'ov_core_read_model_from_memory_buffer',
      ...['void *', 'const void *', 'size_t', 'void *', out],
    ),
    compile: status(
      'ov_core_compile_model_props',
      ...['void *', 'void *', 'const char *', 'size_t', koffi.pointer(property), out],
    ),
    createRequest: status('ov_compiled_model_create_infer_request', 'void *', out),
    createTensor: status('ov_tensor_create', 'int', shape, out),
    tensorData: status('ov_tensor_data', 'void *', out),
    tensorType: status('ov_tensor_get_element_type', 'void *', koffi.out(koffi.pointer('int'))),
    tensorShape: status('ov_tensor_get_shape', 'void *', koffi.out(koffi.pointer(shape))),
    setTensor: status('ov_infer_request_set_tensor', 'void *', 'const char *', 'void *'),
    getTensor: status('ov_infer_request_get_tensor', 'void *', 'const char *', out),
    infer: status('ov_infer_request_infer', 'void *'),
    freeShape: status('ov_shape_free', koffi.pointer(shape)),
    freeCore: free('ov_core_free'),
    freeModel: free('ov_model_free'),
    freeCompiled: free('ov_compiled_model_free'),
    freeRequest: free('ov_infer_request_free'),
    freeTensor: free('ov_tensor_free'),
    lastError: () => {
      const text = lastError() as Pointer | null;
      if (text === null) return 'no reason given';
      const message = koffi.decode.string(text);
      freeText(text);
      return message;
    },
    write: (to, from) => void move(to, from, from.byteLength),
    read: (to, from) => void move(to, from, to.byteLength),
  };
}
