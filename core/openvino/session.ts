import { errorMessage, oneLine, UserError } from '../errors.ts';
import type { DataType, Graph } from '../onnx/graph.ts';
import { decodeModel } from '../onnx/model-file.ts';
import { readModelBytes } from '../onnx/read-model-bytes.ts';
import { type InferenceSession, Tensor } from '../runtime/session.ts';
import { sumsAreExact } from './exact-int8.ts';
import { loadOpenVino, type OpenVino, type Pointer } from './library.ts';
import { whyNotInOpenVino } from './refusals.ts';

/** Element types by their numbers in OpenVINO's C interface, with what their values lie in. */
const TYPES = {
  bool: [1, Uint8Array],
  float16: [3, Uint16Array],
  float32: [4, Float32Array],
  float64: [5, Float64Array],
  int8: [7, Int8Array],
  int16: [8, Int16Array],
  int32: [9, Int32Array],
  int64: [10, BigInt64Array],
  uint8: [16, Uint8Array],
  uint16: [17, Uint16Array],
  uint32: [18, Uint32Array],
  uint64: [19, BigUint64Array],
} as const satisfies Partial<Record<DataType, unknown>>;

type Type = keyof typeof TYPES;

export interface OpenVinoOptions {
  /** Threads of one run; 0 or left out: OpenVINO's choice, one a core. */
  intraOpNumThreads?: number | undefined;
  /** What it is to be fast at: one run, or many at a time; default LATENCY. */
  hint?: 'LATENCY' | 'THROUGHPUT';
}

/**
 * A model in OpenVINO, with onnxruntime's interface; {@link run} blocks the thread that calls it. It computes in float32
 * what is float32 in the file, and in integers what is quantised: its hint for float16 costs our int8 files 5 points.
 * What it holds is freed by {@link release} alone, not when the thread ends.
 */
export class OpenVinoSession implements InferenceSession {
  readonly inputMetadata: InferenceSession.ValueMetadata[];
  readonly outputMetadata: InferenceSession.ValueMetadata[];
  readonly inputNames: string[];
  readonly outputNames: string[];
  readonly #openvino: OpenVino;
  /** By what frees them, the last first. */
  readonly #held: (() => void)[] = [];
  #request: Pointer | undefined;
  /** Inputs by name; made anew where a shape changes. */
  readonly #inputs = new Map<string, { tensor: Pointer; data: Pointer; shape: string }>();

  private constructor(openvino: OpenVino, graph: Graph) {
    this.#openvino = openvino;
    const describe = ({ name, dtype, dims }: Graph['inputs'][number]) =>
      ({ name, isTensor: true, type: dtype, shape: dims }) as InferenceSession.ValueMetadata;
    this.inputMetadata = graph.inputs.map(describe);
    this.outputMetadata = graph.outputs.map(describe);
    this.inputNames = graph.inputs.map(({ name }) => name);
    this.outputNames = graph.outputs.map(({ name }) => name);
  }

  /**
   * @param model the file's bytes, or its path
   * @throws UserError if OpenVINO is not set up, cannot read the model, or would compute it wrongly
   */
  static async create(model: Uint8Array | string, options: OpenVinoOptions = {}): Promise<OpenVinoSession> {
    const openvino = loadOpenVino();
    const bytes = typeof model === 'string' ? await readModelBytes(model, model) : model;
    const { graph } = decodeModel(bytes);
    const trouble = whyNotInOpenVino(graph);
    if (trouble !== undefined) throw new UserError(`OpenVINO does not run this model: ${trouble}`);
    if (hasWideWeights(graph)) {
      exact ??= sumsAreExact((sums) => OpenVinoSession.#opened(openvino, decodeModel(sums).graph, sums, {}));
      if (!(await exact)) {
        throw new UserError(
          'OpenVINO does not run this model: sums of its 8-bit weights overflow there on this processor, which has no ' +
            "VNNI; onnxruntime's are exact, and so are 7-bit ones (npm run export -- --precision int8 --reduce-range)",
        );
      }
    }
    return OpenVinoSession.#opened(openvino, graph, bytes, options);
  }

  static async #opened(
    openvino: OpenVino,
    graph: Graph,
    bytes: Uint8Array,
    options: OpenVinoOptions,
  ): Promise<OpenVinoSession> {
    const session = new OpenVinoSession(openvino, graph);
    try {
      session.#open(bytes, options);
    } catch (error) {
      await session.release();
      throw new UserError(`OpenVINO does not take this model: ${errorMessage(error)}`);
    }
    return session;
  }

  #open(bytes: Uint8Array, { intraOpNumThreads: threads = 0, hint = 'LATENCY' }: OpenVinoOptions): void {
    const openvino = this.#openvino;
    const core = this.#take((out) => openvino.createCore(out), openvino.freeCore);
    // Shared memory is no argument of a C function.
    const own = bytes.buffer instanceof SharedArrayBuffer ? new Uint8Array(bytes) : bytes;
    const model = this.#take(
      (out) => openvino.readModel(core, own, own.byteLength, null, out),
      openvino.freeModel,
    );
    const properties = [
      { key: 'INFERENCE_PRECISION_HINT', value: 'f32' },
      { key: 'EXECUTION_MODE_HINT', value: 'ACCURACY' },
      { key: 'PERFORMANCE_HINT', value: hint },
      // Sessions of several threads would all be bound to the same first cores.
      { key: 'ENABLE_CPU_PINNING', value: 'NO' },
      ...(hint === 'LATENCY' ? [{ key: 'NUM_STREAMS', value: '1' }] : []),
      ...(threads > 0 ? [{ key: 'INFERENCE_NUM_THREADS', value: String(threads) }] : []),
    ];
    const compiled = this.#take(
      (out) => openvino.compile(core, model, 'CPU', properties.length, properties, out),
      openvino.freeCompiled,
    );
    this.#request = this.#take((out) => openvino.createRequest(compiled, out), openvino.freeRequest);
  }

  /** Onnxruntime's, with the names of what is wanted; other options mean nothing here. */
  async run(
    feeds: InferenceSession.FeedsType,
    fetches: InferenceSession.FetchesType | InferenceSession.RunOptions = this.outputNames,
  ): Promise<InferenceSession.ReturnType> {
    const openvino = this.#openvino;
    const request = this.#request;
    if (request === undefined) throw new Error('the session was released');
    for (const { name } of this.inputMetadata) {
      const feed = feeds[name];
      if (!feed) throw new Error(`there is no input "${name}"`);
      this.#feed(request, name, feed as Tensor);
    }
    this.#check(openvino.infer(request));
    const wanted = Array.isArray(fetches) ? (fetches as readonly string[]) : this.outputNames;
    return Object.fromEntries(wanted.map((name) => [name, this.#output(request, name)]));
  }

  #feed(request: Pointer, name: string, { type, dims, data }: Tensor): void {
    const openvino = this.#openvino;
    const values = data as NodeJS.TypedArray;
    // Such a picture would become a class: OpenVINO's Relu makes 0 of NaN.
    if (!allFinite(values)) throw new Error(`the input "${name}" has a value that is not finite`);
    const known = TYPES[type as Type];
    if (!known) throw new Error(`OpenVINO is not given values of ${type}`);
    const shape = `${type} ${dims}`;
    let input = this.#inputs.get(name);
    if (input?.shape !== shape) {
      if (input) openvino.freeTensor(input.tensor);
      this.#inputs.delete(name);
      const form = { rank: dims.length, dims: BigInt64Array.from(dims, BigInt) };
      const tensor = this.#given((out) => openvino.createTensor(known[0], form, out));
      input = { tensor, data: this.#given((out) => openvino.tensorData(tensor, out)), shape };
      this.#inputs.set(name, input);
    }
    openvino.write(input.data, values);
    this.#check(openvino.setTensor(request, name, input.tensor));
  }

  #output(request: Pointer, name: string): Tensor {
    const openvino = this.#openvino;
    const tensor = this.#given((out) => openvino.getTensor(request, name, out));
    try {
      const number: [number] = [0];
      this.#check(openvino.tensorType(tensor, number));
      const found = Object.entries(TYPES).find(([, [each]]) => each === number[0]);
      if (!found) throw new Error(`OpenVINO's output "${name}" is of its type ${number[0]}`);
      const [type, [, Values]] = found;
      const dims = this.#dims(tensor);
      const data = new Values(dims.reduce((product, dim) => product * dim, 1));
      if (data.length > 0)
        openvino.read(
          data,
          this.#given((out) => openvino.tensorData(tensor, out)),
        );
      return new Tensor(type as 'float32', data as Float32Array, dims);
    } finally {
      openvino.freeTensor(tensor);
    }
  }

  #dims(tensor: Pointer): number[] {
    const shape = [{ rank: 0, dims: 0n }] as Parameters<OpenVino['tensorShape']>[1];
    this.#check(this.#openvino.tensorShape(tensor, shape));
    const [{ rank, dims }] = shape;
    const sizes = new BigInt64Array(Number(rank));
    if (sizes.length > 0) this.#openvino.read(sizes, dims as Pointer);
    this.#openvino.freeShape(shape[0]);
    return Array.from(sizes, Number);
  }

  async release(): Promise<void> {
    this.#request = undefined;
    for (const { tensor } of this.#inputs.values()) this.#openvino.freeTensor(tensor);
    this.#inputs.clear();
    for (const free of this.#held.splice(0).reverse()) free();
  }

  startProfiling(): void {
    throw new Error('a model in OpenVINO is not profiled');
  }

  endProfiling(): void {
    this.startProfiling();
  }

  #take(make: (out: [Pointer | null]) => number, free: (pointer: Pointer) => void): Pointer {
    const pointer = this.#given(make);
    this.#held.push(() => free(pointer));
    return pointer;
  }

  #given(make: (out: [Pointer | null]) => number): Pointer {
    const out: [Pointer | null] = [null];
    this.#check(make(out));
    return out[0]!;
  }

  #check(status: number): void {
    if (status === 0) return;
    throw new Error(reason(this.#openvino.lastError()));
  }
}

/** Whether OpenVINO's sums of bytes are exact here; tried once a thread. */
let exact: Promise<boolean> | undefined;

/** Two products of larger weights with bytes are more than 16 bits hold. */
const WIDEST_SAFE = 64;

function hasWideWeights({ initializers }: Graph): boolean {
  return [...initializers.values()].some(
    ({ dtype, dims, data }) =>
      (dtype === 'int8' && (data as Int8Array).some((value) => Math.abs(value) > WIDEST_SAFE)) ||
      (dtype === 'uint8' && dims.length > 1),
  );
}

function allFinite(values: NodeJS.TypedArray): boolean {
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return true;
  let sum = 0;
  // NaN and the infinities are what times 0 is not 0; a sum needs no branch for each value.
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}

/** What of OpenVINO's several lines says most; the others are places in its source and links to its documentation. */
function reason(message: string): string {
  const [, unknown] = /No conversion rule found for operations: (.*)/.exec(message) ?? [];
  if (unknown !== undefined) return oneLine(`it has no ${unknown}`);
  const [, invalid] = /While validating ONNX node .*?: (.*)/.exec(message) ?? [];
  const lines = message.split('\n').map((line) => line.trim());
  const said = lines.filter(
    (line) => !/^$|^(Exception from|Check .* failed at|Summary:|To facilitate)/.test(line),
  );
  return oneLine(invalid ?? said.at(-1) ?? message);
}
