import type * as Ort from 'onnxruntime-web/wasm';
import { errorMessage, UserError } from '../../../core/errors.ts';
import { hasGpu } from './gpu.ts';
import type { Backend, BackendChoice } from './protocol.ts';

/** A session, the onnxruntime it belongs to (tensors must come from the same), and what it runs on. */
export interface OpenSession {
  session: Ort.InferenceSession;
  ort: typeof Ort;
  backend: Backend;
  /** Why it is not what was asked for; absent if it is. */
  fallback?: string;
}

/**
 * Opens a model on WebGPU where there is a GPU, on WebAssembly otherwise or if WebGPU cannot run it.
 * @param probe one run of the session: a model that opens can still fail then
 * @param quantized int8 operators have no GPU kernels; such a model would be copied to and fro at every one
 * @throws UserError if neither can run it
 */
export async function openSession(
  bytes: Uint8Array,
  name: string,
  choice: BackendChoice,
  quantized: boolean,
  probe: (open: OpenSession) => Promise<void>,
): Promise<OpenSession> {
  let fallback: string | undefined;
  if (choice === 'webgpu' || (choice === 'auto' && !quantized)) {
    if (await hasGpu(choice === 'webgpu')) {
      try {
        return await open(bytes, 'webgpu', probe);
      } catch (error) {
        fallback = `WebGPU could not run it: ${firstLine(error)}`;
      }
    } else if (choice === 'webgpu') fallback = 'this browser offers no WebGPU';
  }
  try {
    const wasm = await open(bytes, 'wasm', probe);
    return fallback === undefined ? wasm : { ...wasm, fallback };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${name} cannot be run in this browser: ${firstLine(error)}`);
  }
}

async function open(
  bytes: Uint8Array,
  backend: Backend,
  probe: (open: OpenSession) => Promise<void>,
): Promise<OpenSession> {
  const ort = await loadRuntime(backend);
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: 'all',
    executionProviders: [backend],
  });
  const result: OpenSession = { session, ort, backend };
  try {
    await probe(result);
  } catch (error) {
    await session.release();
    throw error;
  }
  return result;
}

/** The one for WebAssembly is part of the worker; the one for WebGPU is fetched when it is needed. */
async function loadRuntime(backend: Backend): Promise<typeof Ort> {
  if (backend === 'webgpu') return (await import('./runtime-webgpu.ts')).ort as typeof Ort;
  return (await import('./runtime.ts')).ort;
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n')[0]!;
}
