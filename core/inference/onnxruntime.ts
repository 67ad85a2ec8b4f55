import { Tensor } from 'onnxruntime-node';

/*
 * onnxruntime-node, as all of this project takes it. From Node 24 on there is a Float16Array, and onnxruntime-common
 * puts the data of float16 tensors into one; but the native part of onnxruntime-node takes only Uint16Array for them
 * (1.30: "invalid data type" for any float16 input). Which one it is to be is decided once in a process, when the
 * first tensor is made. So that is done here, while there seems to be none.
 */
if (typeof process !== 'undefined' && process.versions?.node !== undefined && 'Float16Array' in globalThis) {
  const hidden = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array')!;
  Reflect.deleteProperty(globalThis, 'Float16Array');
  try {
    new Tensor('uint8', Uint8Array.of(0), [1]);
  } finally {
    Object.defineProperty(globalThis, 'Float16Array', hidden);
  }
}

export * from 'onnxruntime-node';
