import type { ConvGeometry } from '../../../lowering/ort/conv/geometry.ts';
import type { ElementType } from '../bfloat16/element-type.ts';

/** A convolution as TensorFlow's kernels know it: channels last. */
export interface ConvSetting {
  /** What it computes in. */
  type: ElementType;
  strides: [number, number];
  /** TensorFlow's automatic ways: its kernels for any other are many times slower. */
  padding: 'SAME' | 'VALID';
  /** What is added before: [top, bottom], [left, right]. */
  margins: [[number, number], [number, number]];
  /** [N, H, W, inChannels], before. */
  inputShape: [number, number, number, number];
  /** [kernelH, kernelW, inChannels, outChannels] */
  filterShape: [number, number, number, number];
  /** Whether the gradient of the input is wanted. */
  wantsInput: boolean;
}

export function convSetting(geometry: ConvGeometry, type: ElementType, wantsInput: boolean): ConvSetting {
  const { batch, input, kernel, stride, pads, inChannels, outChannels } = geometry;
  const isSame = isSamePadding(geometry);
  const [top, left, bottom, right] = pads;
  return {
    type,
    strides: stride,
    padding: isSame ? 'SAME' : 'VALID',
    margins: isSame
      ? [
          [0, 0],
          [0, 0],
        ]
      : [
          [top, bottom],
          [left, right],
        ],
    inputShape: [batch, ...input, inChannels],
    filterShape: [...kernel, inChannels, outChannels],
    wantsInput,
  };
}

/** Whether the padding is what TensorFlow makes of `SAME`: what is needed, the odd row at the end. */
function isSamePadding({ input, kernel, stride, pads }: ConvGeometry): boolean {
  return [0, 1].every((axis) => {
    const [size, step] = [input[axis]!, stride[axis]!];
    const needed = Math.max(0, (Math.ceil(size / step) - 1) * step + kernel[axis]! - size);
    const before = Math.floor(needed / 2);
    return pads[axis] === before && pads[axis + 2] === needed - before;
  });
}
