export interface InferenceServiceOptions {
  /** Name of the model; the service gets one that Kubernetes allows. */
  name: string;
  /** Where KServe fetches the model repository from: `s3://`, `gs://`, `https://`, `pvc://CLAIM/PATH`. */
  storageUri: string;
  /** Size of the model file, for how much memory to ask. */
  modelBytes: number;
}

const GIB = 2 ** 30;

/**
 * A KServe InferenceService (serving.kserve.io/v1beta1) that runs a model repository on KServe's Triton runtime
 * and answers the Open Inference Protocol, v2.
 */
export function inferenceService({ name, storageUri, modelBytes }: InferenceServiceOptions) {
  // Triton itself, and onnxruntime's copies of the weights.
  const memory = `${2 + Math.ceil((4 * modelBytes) / GIB)}Gi`;
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: serviceName(name) },
    spec: {
      predictor: {
        minReplicas: 1,
        maxReplicas: 4,
        model: {
          modelFormat: { name: 'onnx' },
          protocolVersion: 'v2',
          runtime: 'kserve-tritonserver',
          storageUri,
          resources: { requests: { cpu: '1', memory }, limits: { cpu: '4', memory } },
        },
      },
    },
  };
}

/** A DNS-1035 label, which the service's address is made of: lower case letters, digits and hyphens. */
export function serviceName(name: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    // KServe adds "-predictor" and more to it, and 63 characters are allowed.
    .slice(0, 40)
    .replace(/-+$/, '');
  return /^[a-z]/.test(label) ? label : `model-${label}`.replace(/-+$/, '');
}
