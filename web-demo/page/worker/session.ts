import type * as Ort from 'onnxruntime-web/wasm';
import { errorMessage, UserError } from '../../../core/errors.ts';
import type { OpenModel } from '../../../core/foreign-model/adapt-foreign.ts';
import { GraphBuilder } from '../../../core/onnx/builder.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { hasGpu } from './gpu.ts';
import type { Backend, BackendChoice } from './protocol.ts';

const WEBGPU_PATIENCE_MS = 60_000;

/** A session, the onnxruntime it belongs to (tensors must come from the same), and what it runs on. */
export interface OpenSession {
  session: Ort.InferenceSession;
  ort: typeof Ort;
  backend: Backend;
  /** The address of the WebAssembly file that was loaded for it. */
  runtimeUrl: string;
  /** Why it is not what was asked for; absent if it is. */
  fallback?: string;
}

/**
 * Opens a model on WebGPU where there is a GPU, on WebAssembly otherwise or if WebGPU cannot run it.
 * @param probe one run of the session: a model that opens can still fail then
 * @param quantized int8 operators have no GPU kernels; such a model would be copied to and fro at every one
 * @param signal aborted when it is not wanted any more
 * @throws UserError if neither can run it; AbortError
 */
export async function openSession(
  bytes: Uint8Array,
  name: string,
  choice: BackendChoice,
  quantized: boolean,
  probe: (open: OpenSession) => Promise<void>,
  signal: AbortSignal,
): Promise<OpenSession> {
  let fallback: string | undefined;
  if (choice === 'webgpu' || (choice === 'auto' && !quantized)) {
    if (await hasGpu(choice === 'webgpu')) {
      try {
        // Who asked for it may wait; nobody else should for a driver that hangs.
        const patience = choice === 'webgpu' ? undefined : WEBGPU_PATIENCE_MS;
        return await within(patience, signal, open(bytes, 'webgpu', probe));
      } catch (error) {
        signal.throwIfAborted();
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

/**
 * Compiles WebAssembly where that is what will run, while the model is still on its way. That it could not is
 * no news yet: opening the model will say so.
 */
export async function warmUpRuntime(): Promise<void> {
  if (await hasGpu(false)) return;
  const nothing = new GraphBuilder('nothing');
  const x = nothing.input('x', 'float32', [1]);
  nothing.node('Identity', [x], {}, { name: 'y' });
  nothing.output('y', 'float32', [1]);
  try {
    const { ort } = await loadRuntime('wasm');
    const session = await ort.InferenceSession.create(encodeModel(nothing.graph));
    await session.release();
  } catch {}
}

async function open(
  bytes: Uint8Array,
  backend: Backend,
  probe: (open: OpenSession) => Promise<void>,
): Promise<OpenSession> {
  const { ort, wasmUrl } = await loadRuntime(backend);
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: 'all',
    // Errors only: that some operators stay on the processor is none.
    logSeverityLevel: 3,
    executionProviders: [backend],
  });
  const result: OpenSession = {
    session,
    ort,
    backend,
    runtimeUrl: new URL(wasmUrl, self.location.href).href,
  };
  try {
    await probe(result);
  } catch (error) {
    await session.release();
    throw error;
  }
  return result;
}

/** Opens a model of ours, or one just adapted, to try what it gives; whatever is to run it later. */
export async function openToTry(bytes: Uint8Array): Promise<OpenModel> {
  const { ort } = await loadRuntime('wasm');
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['wasm'],
    // That a batch fails may be the answer.
    logSeverityLevel: 4,
  });
  return {
    run: async (images, dims) => {
      const feed = new ort.Tensor('float32', images, dims);
      const { logits } = await session.run({ input: feed }, { logSeverityLevel: 4 });
      return { data: logits!.data as Float32Array, dims: logits!.dims };
    },
    close: () => session.release(),
  };
}

/** Only what is needed is fetched: the build with WebGPU is twice the size of the one without. */
async function loadRuntime(backend: Backend): Promise<{ ort: typeof Ort; wasmUrl: string }> {
  return backend === 'webgpu' ? import('./runtime-webgpu.ts') : import('./runtime.ts');
}

/**
 * The work's result, or an error if it is not wanted any more or takes longer; a session that comes too late is
 * released.
 */
async function within(
  ms: number | undefined,
  signal: AbortSignal,
  work: Promise<OpenSession>,
): Promise<OpenSession> {
  const ends = new AbortController();
  const limit = ms === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const late = new Promise<never>((_, reject) => {
    const refuse = (): void =>
      reject(signal.aborted ? signal.reason : new Error(`no answer within ${(ms ?? 0) / 1000} s`));
    limit.addEventListener('abort', refuse, { signal: ends.signal });
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    work.then(({ session }) => session.release()).catch(() => undefined);
    throw error;
  } finally {
    ends.abort();
  }
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n')[0]!;
}
