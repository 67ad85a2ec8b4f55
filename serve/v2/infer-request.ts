import { Refusal } from '../../core/errors.ts';
import { readJson } from '../http/read-json.ts';
import { parseInput } from '../schemas/parse.ts';
import { InferRequest } from '../schemas/v2.ts';
import { tensorFromBytes } from './tensor-binary.ts';
import { tensorFromJson } from './tensor-json.ts';

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
