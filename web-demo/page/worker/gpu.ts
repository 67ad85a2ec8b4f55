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
export async function hasGpu(software: boolean): Promise<boolean> {
  const gpu = (navigator as Navigator & { gpu?: Gpu }).gpu;
  try {
    const adapter = await gpu?.requestAdapter();
    if (!adapter) return false;
    return software || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false);
  } catch {
    return false;
  }
}
