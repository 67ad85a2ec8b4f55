import { errorMessage, UserError } from '../../../core/errors.ts';
import { OWN_ENDS, type RunnableModel } from '../../../core/foreign-model/interface.ts';
import { GraphBuilder } from '../../../core/onnx/builder.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import {
  type Runtime as Build,
  type InferenceSession,
  openSession as open,
} from '../../../core/runtime/session.ts';
import type { Lock } from './lock.ts';
import type { Backend, BackendChoice, Progress } from './protocol.ts';

const WEBGPU_PATIENCE_MS = 60_000;

type OnProgress = (progress: Progress) => void;

/** An onnxruntime, and the lock for all that it does. */
export interface Runtime {
  ort: Build;
  lock: Lock;
}

/** A session, the onnxruntime it belongs to (tensors must come from the same), and what it runs on. */
export interface OpenSession extends Runtime {
  session: InferenceSession;
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
 * @param whyNotGpu asked where there is a GPU: why WebGPU would compute it wrongly
 * @param context its signal is aborted when it is not wanted any more; its progress is that of what WebAssembly comes
 * @throws UserError if neither can run it; AbortError
 */
export async function openSession(
  bytes: Uint8Array,
  name: string,
  choice: BackendChoice,
  quantized: boolean,
  whyNotGpu: () => string | undefined,
  probe: (open: OpenSession) => Promise<void>,
  { signal, progress }: { signal: AbortSignal; progress: OnProgress },
): Promise<OpenSession> {
  let fallback: string | undefined;
  if (choice === 'webgpu' || (choice === 'auto' && !quantized)) {
    if (await hasGpu(choice === 'webgpu')) {
      const trouble = whyNotGpu();
      if (trouble !== undefined) fallback = `WebGPU cannot be trusted with it: ${trouble}`;
      try {
        // Who asked for it may wait; nobody else should for a driver that hangs.
        const patience = choice === 'webgpu' ? undefined : WEBGPU_PATIENCE_MS;
        if (trouble === undefined)
          return await within(patience, signal, load(bytes, 'webgpu', probe, progress));
      } catch (error) {
        signal.throwIfAborted();
        fallback = `WebGPU could not run it: ${firstLine(error)}`;
      }
    } else if (choice === 'webgpu') fallback = 'this browser offers no WebGPU';
  }
  try {
    const wasm = await load(bytes, 'wasm', probe, progress);
    return fallback === undefined ? wasm : { ...wasm, fallback };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${name} cannot be run in this browser: ${firstLine(error)}`);
  }
}

/**
 * Fetches and compiles WebAssembly where that is what will run, while the model is still on its way. That it could not
 * is no news yet: opening the model will say so.
 */
export async function prepareRuntime(
  { backend: choice }: { backend: BackendChoice },
  { progress }: { progress: OnProgress },
): Promise<undefined> {
  if (choice !== 'wasm' && (await hasGpu(choice === 'webgpu'))) return undefined;
  const nothing = new GraphBuilder('nothing');
  const x = nothing.input('x', 'float32', [1]);
  nothing.node('Identity', [x], {}, { name: 'y' });
  nothing.output('y', 'float32', [1]);
  try {
    const { ort, lock } = await loadRuntime('wasm', progress);
    await lock.run(async () => {
      const session = await open(encodeModel(nothing.graph), {}, ort);
      await session.release();
    });
  } catch {}
  return undefined;
}

async function load(
  bytes: Uint8Array,
  backend: Backend,
  probe: (open: OpenSession) => Promise<void>,
  progress: OnProgress,
): Promise<OpenSession> {
  const { wasmUrl, ...runtime } = await loadRuntime(backend, progress);
  return openOn(runtime, bytes, backend, new URL(wasmUrl, self.location.href).href, probe);
}

/**
 * Opens a model on a runtime while others may run on it.
 * @param probe as for {@link openSession}; takes the lock itself
 */
export async function openOn(
  { ort, lock }: Runtime,
  bytes: Uint8Array,
  backend: Backend,
  runtimeUrl: string,
  probe: (open: OpenSession) => Promise<void>,
): Promise<OpenSession> {
  const options = {
    graphOptimizationLevel: 'all',
    executionProviders: [backend],
  } as const;
  const session = await lock.run(() => open(bytes, options, ort));
  const result: OpenSession = { session, ort, lock, backend, runtimeUrl };
  try {
    await probe(result);
  } catch (error) {
    await lock.run(() => session.release());
    throw error;
  }
  return result;
}

/** Opens a model of ours, or one just adapted, to try what it gives; whatever is to run it later. */
export async function openToTry(bytes: Uint8Array): Promise<RunnableModel> {
  const { ort, lock } = await loadRuntime('wasm');
  const options = {
    executionProviders: ['wasm'],
    // That a batch fails may be the answer.
    quiet: true,
  } as const;
  const session = await lock.run(() => open(bytes, options, ort));
  return {
    run: async (images, dims, { input, inputType, output } = OWN_ENDS) => {
      const feed = new ort.Tensor(inputType as 'float32', images as Float32Array, dims);
      const { [output]: scores } = await lock.run(() =>
        session.run({ [input]: feed }, [output], { logSeverityLevel: 4 }),
      );
      return { data: scores!.data as Float32Array, dims: scores!.dims };
    },
    close: () => lock.run(() => session.release()),
  };
}

/** Told how much of a runtime has come, until it is there. */
const followers = new Set<OnProgress>();

/** Only what is needed is fetched: the build with WebGPU is twice the size of the one without. */
export async function loadRuntime(
  backend: Backend,
  onProgress?: OnProgress,
): Promise<Runtime & { wasmUrl: string }> {
  if (onProgress) followers.add(onProgress);
  const { ort, lock, wasmUrl } = await (backend === 'webgpu'
    ? import('./runtime-webgpu.ts')
    : import('./runtime.ts'));
  return { ort, lock, wasmUrl };
}

/**
 * Has what follows told of the WebAssembly that onnxruntime fetches. It does so itself, to compile it as it comes, and
 * says nothing meanwhile; so that is seen where it fetches. What the service worker has is left alone: of that the
 * browser also keeps the compiled form.
 */
export function watchRuntimes(): void {
  const { fetch } = self;
  self.fetch = async (...request) => {
    const response = await fetch(...request);
    const { url, body } = response;
    if (!/\.wasm$/.test(url) || !body || (await self.caches?.match(url))) return response;
    const total = WASM_BYTES[url.includes('asyncify') ? 'webgpu' : 'wasm'];
    let done = 0;
    const counter = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
      transform(part, controller) {
        done += part.length;
        for (const tell of followers) tell({ done, total });
        controller.enqueue(part as Uint8Array<ArrayBuffer>);
      },
      flush: () => followers.clear(),
    });
    return new Response(body.pipeThrough(counter), response);
  };
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
    work.then(({ session, lock }) => lock.run(() => session.release())).catch(() => undefined);
    throw error;
  } finally {
    ends.abort();
  }
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n')[0]!;
}

/** The part of WebGPU that is asked here; TypeScript's DOM library has none of it yet. */
interface Gpu {
  requestAdapter(): Promise<{
    info?: { isFallbackAdapter?: boolean };
    isFallbackAdapter?: boolean;
  } | null>;
}

/**
 * Whether this browser has a GPU to run on.
 * @param software also count a GPU that the processor imitates; it is slower than WebAssembly
 */
async function hasGpu(software: boolean): Promise<boolean> {
  const gpu = (navigator as Navigator & { gpu?: Gpu }).gpu;
  try {
    const adapter = await gpu?.requestAdapter();
    if (!adapter) return false;
    return software || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false);
  } catch {
    return false;
  }
}
