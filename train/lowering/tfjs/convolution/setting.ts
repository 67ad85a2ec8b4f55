import type { Window } from '../window.ts';

type Shape4 = [number, number, number, number];

/** A convolution as TensorFlow's kernels know it: channels last, without holes or groups. */
export interface ConvSetting {
  /** What it computes in. */
  type: 'float32' | 'bfloat16';
  strides: readonly [number, number];
  /** TensorFlow's automatic ways: its kernels for any other are many times slower. */
  padding: 'SAME' | 'VALID';
  /** What is added before: [top, bottom], [left, right]. */
  margins: readonly [[number, number], [number, number]];
  /** [N, H, W, inChannels], before. */
  inputShape: Shape4;
  /** [kernelH, kernelW, inChannels, outChannels] */
  filterShape: Shape4;
}

/**
 * @param windows without dilation
 * @param channels of the input and the output
 */
export function convSetting(
  type: ConvSetting['type'],
  batch: number,
  [rows, columns]: readonly [Window, Window],
  [inChannels, outChannels]: readonly [number, number],
): ConvSetting {
  const isSame = [rows, columns].every(isSamePadding);
  const margin = ({ before, after }: Window): [number, number] => (isSame ? [0, 0] : [before, after]);
  return {
    type,
    strides: [rows.stride, columns.stride],
    padding: isSame ? 'SAME' : 'VALID',
    margins: [margin(rows), margin(columns)],
    inputShape: [batch, rows.size, columns.size, inChannels],
    filterShape: [rows.kernel, columns.kernel, inChannels, outChannels],
  };
}

/** Whether the padding is what TensorFlow makes of `SAME`: what is needed, the odd row at the end. */
function isSamePadding({ size, stride, kernel, before, after }: Window): boolean {
  const needed = Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
  return before === Math.floor(needed / 2) && after === needed - before;
}
