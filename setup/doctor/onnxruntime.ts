import { errorMessage } from '../../core/errors.ts';

export interface OnnxruntimeFacts {
  version: string;
  /** Execution providers, e.g. `cpu`; those that come with the package and those that need more installed. */
  bundled: string[];
  needInstalling: string[];
  /** Channels in a block of its NCHWc kernels; 0: it has none here. */
  blockSize: number;
}

/** What onnxruntime offers here, or why it does not load. */
export async function readOnnxruntime(): Promise<OnnxruntimeFacts | { error: string }> {
  try {
    // Not at the top: where the native library does not load, the rest is still told.
    const ort = await import('onnxruntime-node');
    const { detectBlockSize } = await import('../../train/engine/block-size.ts');
    const backends = ort.listSupportedBackends();
    const names = (bundled: boolean) => backends.filter((b) => b.bundled === bundled).map(({ name }) => name);
    return {
      version: ort.env.versions.node ?? ort.env.versions.common,
      bundled: names(true),
      needInstalling: names(false),
      blockSize: await detectBlockSize(),
    };
  } catch (error) {
    return { error: errorMessage(error).split('\n')[0]! };
  }
}
