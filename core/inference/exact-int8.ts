/**
 * For `extra.session` of every onnxruntime session that may run an int8 model: exact sums on every processor.
 *
 * Without VNNI, AVX2 and AVX-512 add two products of bytes in 16 bits, which overflows with 8-bit weights:
 * resnet14t gets 64.3 % of CIFAR-100 right instead of 68.5 %. With this, onnxruntime takes slower kernels there
 * that cannot overflow; with VNNI, and for float models, nothing changes (`session.x64quantprecision` in
 * onnxruntime_session_options_config_keys.h).
 */
export const EXACT_INT8 = { x64quantprecision: '1' } as const;
