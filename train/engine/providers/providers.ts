/** How an execution provider of onnxruntime is used to train, and what it needs. */
interface ProviderTraits {
  /** For people, e.g. `CUDA`. */
  label: string;
  /** In words: where it runs, and what has to be installed there. */
  needs: string;
  /** Steps run in one call, so that the state crosses the bus once in so many. */
  stepsPerCall: number;
  /** Whether onnxruntime-node can leave outputs in the device's memory and take them from there. */
  keepsState: boolean;
}

/** Every execution provider that `npm run train -- --provider` takes; names as in onnxruntime. */
export const PROVIDERS = {
  cpu: { label: 'CPU', needs: 'nothing', stepsPerCall: 1, keepsState: false },
  cuda: {
    label: 'CUDA',
    needs:
      'Linux x64, an NVIDIA driver, CUDA 12 and cuDNN 9 on LD_LIBRARY_PATH, and its library: ' +
      'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js',
    stepsPerCall: 16,
    keepsState: false,
  },
  webgpu: {
    label: 'WebGPU',
    needs: 'Linux x64 with a Vulkan driver (libvulkan1; vulkaninfo must list the GPU), Windows or macOS',
    stepsPerCall: 1,
    keepsState: true,
  },
  dml: {
    label: 'DirectML',
    needs: 'Windows with a DirectX 12 GPU',
    stepsPerCall: 1,
    keepsState: false,
  },
  coreml: { label: 'Core ML', needs: 'macOS', stepsPerCall: 1, keepsState: false },
} as const satisfies Record<string, ProviderTraits>;

export type Provider = keyof typeof PROVIDERS;
export const PROVIDER_NAMES = Object.keys(PROVIDERS) as Provider[];
