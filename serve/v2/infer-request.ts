import { z } from 'zod';
import { Refusal } from '../../core/errors.ts';
import { LARGE_JSON, readJson } from '../http/read-json.ts';
import type { RunLimits } from '../inference/pool.ts';
import { parseInput } from '../schemas.ts';
import { ownBuffer, QuestionThreads } from '../threads/question-threads.ts';

/** The Open Inference Protocol, version 2 (KServe, Triton), with the binary tensor data extension. */

type Parameters = Record<string, unknown>;

/**
 * Values of extensions, of any kind: those that are not known here are ignored. Checked here: a schema makes an
 * object for each of thousands that are wrong, which takes seconds.
 */
const Parameters = z
  .custom<Parameters>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'must be an object',
  })
  .meta({
    type: 'object',
    additionalProperties: true,
    description: 'values of extensions; unknown ones are ignored',
  });

/**
 * Numbers, flat or nested by dimension. Whether each is a number is checked where they are copied: a schema
 * would walk a million of them a second time.
 */
const TensorData = z
  .custom<unknown[]>((value) => Array.isArray(value), { error: 'must be a list of numbers' })
  .meta({ type: 'array', items: {}, description: 'numbers, flat in row-major order or nested by dimension' });

export const Shape = z.array(z.int().min(0)).min(1).max(8);

/** As the clients of other languages write what they leave out, `null` stands for nothing. */
export const InferRequest = z
  .object({
    id: z.string().max(256).nullish(),
    parameters: Parameters.nullish(),
    inputs: z
      .array(
        z.object({
          name: z.string(),
          shape: Shape,
          datatype: z.string().meta({ examples: ['FP32'] }),
          parameters: Parameters.nullish(),
          data: TensorData.nullish(),
        }),
      )
      .min(1)
      .max(16),
    outputs: z
      .array(z.object({ name: z.string(), parameters: Parameters.nullish() }))
      .max(16)
      .nullish()
      .meta({ description: 'left out or empty: all' }),
  })
  .meta({
    id: 'InferRequest',
    examples: [{ inputs: [{ name: 'input', shape: [1, 3, 32, 32], datatype: 'FP32', data: [0.5, -0.5] }] }],
  });
export type InferRequest = z.output<typeof InferRequest>;

const OUTPUTS = ['logits', 'probabilities'] as const;

/** What `/infer` was asked. */
export interface ParsedInfer {
  id: string | undefined;
  /** [images, 3, height, width] */
  input: Float32Array;
  images: number;
  /** The outputs wanted, in order. */
  outputs: { name: (typeof OUTPUTS)[number]; binary: boolean; classification: number }[];
}

export interface InputSize {
  height: number;
  width: number;
  maxImages: number;
}

/**
 * Reads a request of the Open Inference Protocol v2.
 * @param headerLength `Inference-Header-Content-Length`: how much of the body is JSON, with the tensors' bytes
 * after it; undefined: all of it is JSON. 0: the body is the one tensor's bytes alone (Triton's raw request).
 * @throws Refusal 400 if it does not fit the protocol or the model
 */
export function parseInfer(body: Uint8Array, headerLength: number | undefined, size: InputSize): ParsedInfer {
  if (headerLength === 0) return rawRequest(body, size);
  if (headerLength !== undefined && headerLength > body.length) {
    throw new Refusal(
      400,
      `Inference-Header-Content-Length says ${headerLength}, the body has ${body.length} bytes`,
    );
  }
  const request = parseInput(
    InferRequest,
    readJson(body.subarray(0, headerLength), '{"inputs": [...]}'),
    'the request',
  );
  const binary = headerLength === undefined ? undefined : body.subarray(headerLength);
  if (request.inputs.length !== 1 || request.inputs[0]!.name !== 'input') {
    const names = request.inputs.map(({ name }) => name).join(', ');
    throw new Refusal(400, `the model has one input, "input", not ${JSON.stringify(names.slice(0, 120))}`);
  }
  const [tensor] = request.inputs;
  const { shape, datatype } = tensor!;
  if (datatype !== 'FP32')
    throw new Refusal(400, `input "input" is FP32, not ${JSON.stringify(datatype.slice(0, 40))}`);
  const images = checkShape(shape, size);
  return {
    id: request.id ?? undefined,
    input: readTensor(tensor!, binary),
    images,
    outputs: wantedOutputs(request),
  };
}

function rawRequest(body: Uint8Array, size: InputSize): ParsedInfer {
  const bytes = 4 * 3 * size.height * size.width;
  if (body.length === 0 || body.length % bytes !== 0) {
    throw new Refusal(400, `a raw request holds whole images of ${bytes} bytes, not ${body.length} bytes`);
  }
  const shape = [body.length / bytes, 3, size.height, size.width];
  const images = checkShape(shape, size);
  const outputs = OUTPUTS.map((name) => ({ name, binary: true, classification: 0 }));
  return { id: undefined, input: tensorFromBytes(body, shape, 'input'), images, outputs };
}

function checkShape(shape: readonly number[], { height, width, maxImages }: InputSize): number {
  const [images = 0, ...image] = shape;
  if (image.length !== 3 || image[0] !== 3 || image[1] !== height || image[2] !== width || images < 1) {
    throw new Refusal(
      400,
      `input "input" is [n, 3, ${height}, ${width}] with n from 1, not [${shape.join(', ')}]`,
    );
  }
  if (images > maxImages) throw new Refusal(413, `too many images: at most ${maxImages} in a request`);
  return images;
}

function readTensor(tensor: InferRequest['inputs'][number], binary: Uint8Array | undefined): Float32Array {
  const { shape, parameters } = tensor;
  refuseSharedMemory(parameters, 'input "input"');
  const data = tensor.data ?? undefined;
  const size = parameters?.binary_data_size ?? undefined;
  if (size === undefined) {
    if (data === undefined) throw new Refusal(400, 'input "input" has neither data nor a binary_data_size');
    return tensorFromJson(data, shape, 'input');
  }
  if (data !== undefined) throw new Refusal(400, 'input "input" has both data and a binary_data_size');
  if (binary === undefined) {
    throw new Refusal(400, 'binary data needs the header Inference-Header-Content-Length');
  }
  if (size !== binary.length) {
    throw new Refusal(400, `binary_data_size says ${size}, but ${binary.length} bytes follow the JSON`);
  }
  return tensorFromBytes(binary, shape, 'input');
}

function wantedOutputs(request: InferRequest): ParsedInfer['outputs'] {
  const allBinary = request.parameters?.binary_data_output === true;
  const named = request.outputs ?? [];
  const wanted: NonNullable<InferRequest['outputs']> =
    named.length > 0 ? named : OUTPUTS.map((name) => ({ name }));
  // Each would be written out again.
  const twice = wanted.find(({ name }, i) => wanted.findIndex((other) => other.name === name) < i);
  if (twice) throw new Refusal(400, `output ${JSON.stringify(twice.name.slice(0, 120))} is asked for twice`);
  return wanted.map(({ name: given, parameters }) => {
    const name = OUTPUTS.find((known) => known === given);
    if (name === undefined) {
      throw new Refusal(
        400,
        `the model has the outputs "logits" and "probabilities", not ${JSON.stringify(given.slice(0, 120))}`,
      );
    }
    refuseSharedMemory(parameters, `output "${name}"`);
    const binary = parameters?.binary_data ?? allBinary;
    if (typeof binary !== 'boolean') throw new Refusal(400, `output "${name}": binary_data is true or false`);
    const classification = parameters?.classification ?? 0;
    if (typeof classification !== 'number' || !Number.isInteger(classification) || classification < 0) {
      throw new Refusal(400, `output "${name}": classification is how many classes to return`);
    }
    return { name, binary, classification };
  });
}

/** A client that asks for it would go on to read memory that nobody wrote. */
function refuseSharedMemory(parameters: Record<string, unknown> | null | undefined, of: string): void {
  const region = parameters?.shared_memory_region ?? undefined;
  if (region === undefined) return;
  const name = JSON.stringify(String(region).slice(0, 120));
  throw new Refusal(
    400,
    `${of}: there is no shared memory here, such as ${name}; send and take tensors in the body`,
  );
}

/**
 * Numbers from JSON to a tensor: flat in row-major order, or nested exactly as the shape says.
 * @param name the input's, for messages
 * @throws Refusal 400 if there are too many or too few, or one is no finite number
 */
function tensorFromJson(
  data: readonly unknown[],
  shape: readonly number[],
  name: string,
): Float32Array<ArrayBuffer> {
  const size = shape.reduce((product, n) => product * n, 1);
  if (!Array.isArray(data[0])) {
    if (data.length !== size) throw wrongCount(name, data.length, size);
    const out = new Float32Array(size);
    copyNumbers(data, out, 0, name);
    return out;
  }
  const out = new Float32Array(size);
  let at = 0;
  const fill = (values: readonly unknown[], depth: number): void => {
    if (values.length !== shape[depth]) throw wrongCount(name, values.length, shape[depth] ?? 0, depth);
    if (depth === shape.length - 1) {
      copyNumbers(values, out, at, name);
      at += values.length;
      return;
    }
    for (const inner of values) {
      if (!Array.isArray(inner))
        throw new Refusal(400, `input "${name}": data is neither flat nor nested by its shape`);
      fill(inner, depth + 1);
    }
  };
  fill(data, 0);
  return out;
}

function copyNumbers(values: readonly unknown[], out: Float32Array, at: number, name: string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === 'number') out[at + i] = value;
    // What was stored, not what was sent: 1e300 is finite to JSON but not as a float32.
    if (typeof value !== 'number' || !Number.isFinite(out[at + i])) {
      throw new Refusal(400, `input "${name}": ${describe(value)} is not a finite float32`);
    }
  }
}

/** A list may be nested too deeply to be written out. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value).slice(0, 40);
}

function wrongCount(name: string, actual: number, wanted: number, depth?: number): Refusal {
  const where = depth === undefined ? '' : ` at depth ${depth}`;
  return new Refusal(400, `input "${name}" has ${actual} values${where}, its shape says ${wanted}`);
}

/** To the thread: what `parseInfer` takes. */
export interface InferQuestion {
  body: Uint8Array;
  headerLength: number | undefined;
  size: InputSize;
}

const threads = new QuestionThreads<InferQuestion, ParsedInfer>({
  module: new URL('./parse-worker.ts', import.meta.url),
  name: 'read requests',
  work: 'reading large JSON',
});

/**
 * As {@link parseInfer}, and of large JSON in a thread beside the main one.
 * @param question its body may be given away
 * @throws Refusal as `parseInfer`, or if too much waits for the threads
 */
export async function readInfer(question: InferQuestion, limits: RunLimits): Promise<ParsedInfer> {
  const { body, headerLength, size } = question;
  if (Math.min(body.length, headerLength ?? Number.POSITIVE_INFINITY) > LARGE_JSON) {
    return threads.ask(question, limits, ownBuffer(body));
  }
  return parseInfer(body, headerLength, size);
}

/**
 * Little-endian float32 bytes to a tensor, without a copy where the bytes are aligned.
 * @param name the input's, for messages
 * @throws Refusal 400 if the number of bytes is not the shape's, or a value is not finite
 */
function tensorFromBytes(bytes: Uint8Array, shape: readonly number[], name: string): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  if (bytes.length !== 4 * size) {
    throw new Refusal(400, `input "${name}" has ${bytes.length} bytes, its shape says ${4 * size}`);
  }
  // Not `slice`, which for a Buffer does not copy.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const values = new Float32Array(aligned.buffer, aligned.byteOffset, size);
  if (!allFinite(values)) throw new Refusal(400, `input "${name}" has a value that is not a finite float32`);
  return values;
}

export function bytesFromTensor(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** A BYTES tensor: before each text its length in bytes, 32 bits little-endian. */
export function bytesFromTexts(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** NaN and the infinities are what times 0 is not 0; a sum needs no branch for each value. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}
