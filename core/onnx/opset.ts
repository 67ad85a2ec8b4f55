import type { ExternalData } from './external-data.ts';

/** The IR version and operator set our models declare unless asked otherwise (ONNX 1.10). */
export const IR_VERSION = 8;
export const OPSET_VERSION = 15;

/**
 * The operator sets a model can be exported for. Between them no operator that our graphs use takes other
 * inputs or attributes or computes anything else (https://onnx.ai/onnx/operators); before 13, Softmax and
 * per-channel quantisation did.
 */
export const MIN_OPSET = 13;
export const MAX_OPSET = 23;

/** How a model is written. */
export interface EncodeOptions {
  /** Version of ai.onnx that the model declares; default the graph's own, else {@link OPSET_VERSION}. */
  opset?: number | undefined;
  /** Versions of the operator sets of other domains; default 1 each. */
  domains?: Readonly<Record<string, number>> | undefined;
  /** Tensors that are kept in a file beside the model's. */
  external?: ExternalData | undefined;
}

/** From each operator set on, the IR version that came with it (https://onnx.ai/onnx/repo-docs/Versioning.html). */
const IR_VERSIONS: readonly (readonly [opset: number, irVersion: number])[] = [
  [23, 11],
  [21, 10],
  [19, 9],
  [15, IR_VERSION],
];

/** The IR version of the first ONNX release that has an operator set: older runtimes refuse newer ones. */
export function irVersionOf(opset: number): number {
  return IR_VERSIONS.find(([first]) => opset >= first)?.[1] ?? 7;
}
