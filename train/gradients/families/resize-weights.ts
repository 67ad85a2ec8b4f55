import { floatAttribute, intAttribute } from '../../../core/onnx/graph.ts';
import type { TrainedNode } from '../rule.ts';

/** How one axis is resized: its `dims` [out, in] and the weights of the inputs in each output. */
export interface AxisWeights {
  axis: number;
  dims: [number, number];
  weights: Float32Array;
}

/**
 * The weights of each axis that a Resize changes (https://onnx.ai/onnx/operators/onnx__Resize.html), which is
 * separable: nearest, linear and cubic, with each way of finding coordinates but that of a region.
 */
export function resizeWeights(n: TrainedNode): AxisWeights[] {
  const { node, x } = n;
  const text = (name: string, fallback: string): string => {
    const attribute = node.attributes[name];
    return attribute?.type === 'string' ? attribute.value : fallback;
  };
  const mode = text('mode', 'nearest');
  const coordinates = text('coordinate_transformation_mode', 'half_pixel');
  const rounding = text('nearest_mode', 'round_prefer_floor');
  if (coordinates === 'tf_crop_and_resize') throw n.refusal('of a region is not supported');
  if (mode === 'nearest' && coordinates === 'half_pixel_symmetric')
    throw n.refusal(
      'to the nearest by half_pixel_symmetric is not supported: rounding decides which one that is',
    );
  const given = n.numbers(2);
  const scales = given?.length === 0 ? undefined : given;
  const axes = n.axes(-1);
  const antialias = intAttribute(node, 'antialias', 0) !== 0 && mode !== 'nearest';
  const excludes = intAttribute(node, 'exclude_outside', 0) !== 0;
  const kept = keptRatio(n, axes, text('keep_aspect_ratio_policy', 'stretch'));
  const cubic = floatAttribute(node, 'cubic_coeff_a', -0.75);
  const outDims = n.shapes[0]!.dims;
  // onnxruntime copies images that stay as large, whatever the scales, and where it smooths an axis that does.
  const isWhole = outDims.every((out, axis) => out === x.dims[axis]);
  return outDims.flatMap((out, axis) => {
    const size = x.dims[axis]!;
    const scale = !axes.includes(axis) ? 1 : (scales?.[axes.indexOf(axis)] ?? kept ?? fround(out / size));
    if (out === size && (scale === 1 || antialias || isWhole)) return [];
    const weights = new Float32Array(out * size);
    const stretch = antialias ? Math.max(1, 1 / scale) : 1;
    const [reach, kernel] =
      mode === 'cubic'
        ? [2, (t: number) => cubicKernel(t, cubic)]
        : [1, (t: number) => Math.max(0, 1 - Math.abs(t))];
    for (let i = 0; i < out; i++) {
      const at = sourceOf(coordinates, i, scale, size, out);
      if (mode === 'nearest') {
        const nearest = Math.min(Math.max(rounded(rounding, at), 0), size - 1);
        weights[i * size + nearest] = 1;
        continue;
      }
      const [from, to] = [Math.ceil(at - reach * stretch), Math.floor(at + reach * stretch)];
      const taps: [number, number][] = [];
      for (let j = from; j <= to; j++) {
        const isOutside = j < 0 || j >= size;
        if (!(excludes && isOutside))
          taps.push([Math.min(Math.max(j, 0), size - 1), kernel((j - at) / stretch)]);
      }
      const total = taps.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [j, weight] of taps) weights[i * size + j]! += weight / total;
    }
    return [{ axis, dims: [out, size], weights }];
  });
}

const { fround } = Math;

/** The scale of all axes where sizes are given that keep the image's proportions; undefined where they do not. */
function keptRatio(n: TrainedNode, axes: readonly number[], policy: string): number | undefined {
  const sizes = n.numbers(3);
  if (!sizes || policy === 'stretch') return undefined;
  const ratios = axes.map((axis, at) => fround(sizes[at]! / n.x.dims[axis]!));
  return policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
}

/** Where in the input an output lies, in float32, by which onnxruntime decides what is nearest. */
function sourceOf(mode: string, i: number, scale: number, size: number, out: number): number {
  const halfPixel = fround(fround((i + 0.5) / scale) - 0.5);
  switch (mode) {
    case 'asymmetric':
      return fround(i / scale);
    case 'align_corners':
      return out === 1 ? 0 : fround(fround(i * (size - 1)) / (out - 1));
    case 'pytorch_half_pixel':
      return out === 1 ? 0 : halfPixel;
    case 'half_pixel_symmetric': {
      const centre = size / 2;
      return centre * (1 - out / (scale * size)) + (i + 0.5) / scale - 0.5;
    }
    default:
      return halfPixel;
  }
}

function rounded(mode: string, at: number): number {
  switch (mode) {
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    case 'round_prefer_ceil':
      return Math.floor(at + 0.5);
    default:
      return Math.ceil(at - 0.5);
  }
}

/** Keys' cubic convolution, https://doi.org/10.1109/TASSP.1981.1163711. */
function cubicKernel(t: number, a: number): number {
  const d = Math.abs(t);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}
