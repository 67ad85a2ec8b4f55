/** What the arithmetic of a training step runs in. The weights, the loss and the update are float32 in all. */
export const PRECISION_NAMES = ['fp32', 'fp16', 'bf16'] as const;
export type TrainingPrecision = (typeof PRECISION_NAMES)[number];

/** Those of the graphs that onnxruntime runs; it has no bfloat16 convolution on a CPU. */
export type OrtPrecision = Exclude<TrainingPrecision, 'bf16'>;
/** Those of TensorFlow's convolutions. */
export type TfjsPrecision = Exclude<TrainingPrecision, 'fp16'>;
