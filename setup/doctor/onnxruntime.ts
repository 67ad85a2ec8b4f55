import { errorMessage } from '../../core/errors.ts';
import type { Provider } from '../../train/engine/providers/providers.ts';

export interface OnnxruntimeFacts {
  version: string;
  /** What this build of onnxruntime-node offers `npm run train -- --provider`; with `trouble`, why it does not work. */
  providers: { name: Provider; trouble?: string }[];
  /** Channels in a block of its NCHWc kernels; 0: it has none here. */
  blockSize: number;
}

/** What onnxruntime offers here, or why it does not load. */
export async function readOnnxruntime(): Promise<OnnxruntimeFacts | { error: string }> {
  try {
    // Not at the top: where the native library does not load, the rest is still told.
    const ort = await import('onnxruntime-node');
    const { detectBlockSize } = await import('../../train/engine/block-size.ts');
    const { probeProvider, providersOfBuild } = await import('../../train/engine/providers/probe.ts');
    const providers = await Promise.all(
      providersOfBuild().map(async (name) => {
        const trouble = await probeProvider(name);
        return { name, ...(trouble === undefined ? {} : { trouble }) };
      }),
    );
    return {
      version: ort.env.versions.node ?? ort.env.versions.common,
      providers,
      blockSize: await detectBlockSize(),
    };
  } catch (error) {
    return { error: errorMessage(error).split('\n')[0]! };
  }
}
