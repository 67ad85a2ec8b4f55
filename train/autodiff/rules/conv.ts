import { channelSum } from '../channels.ts';
import { convolve } from '../conv/convolve.ts';
import { type ConvGeometry, convGeometry } from '../conv/geometry.ts';
import { convInputGradient } from '../conv/input-gradient.ts';
import { convWeightGradient } from '../conv/weight-gradient.ts';
import {
  suitsWinograd,
  winogradConvolve,
  winogradInput,
  winogradInputGradient,
  winogradWeightGradient,
} from '../conv/winograd/winograd.ts';
import type { TrainingRule } from '../rule.ts';
import type { StepTensor } from '../step-builder.ts';

interface Saved {
  geometry: ConvGeometry;
  /** The input's transformed tiles, if Winograd's algorithm is in use. */
  tiles?: StepTensor;
}

/** Conv: 2-D, ungrouped, any kernel, stride and explicit padding. */
export const convRule: TrainingRule = {
  forward(context, node) {
    const [x, weight, bias] = node.inputs.map((name) => context.optionalValue(name));
    const geometry = convGeometry(node, x!.dims, weight!.dims);
    const b = context.builder;
    if (!bias && suitsWinograd(b, geometry)) {
      const tiles = winogradInput(b, geometry, x!);
      context.save(node, { geometry, tiles } satisfies Saved);
      context.bind(node.outputs[0]!, winogradConvolve(b, geometry, tiles, weight!));
      return;
    }
    context.save(node, { geometry } satisfies Saved);
    context.bind(node.outputs[0]!, convolve(b, x!, weight!, bias, geometry.stride, geometry.pads));
  },

  backward(context, node, gradient) {
    const b = context.builder;
    const [x, weight, bias] = node.inputs as [string, string, string | undefined];
    const { geometry, tiles } = context.saved<Saved>(node);
    if (context.needsGradient(weight)) {
      const dw = tiles
        ? winogradWeightGradient(b, geometry, tiles, gradient)
        : convWeightGradient(b, geometry, context.valueAgain(x, gradient), gradient);
      context.accumulateWeight(weight, dw);
    }
    if (bias && context.needsGradient(bias)) context.accumulate(bias, channelSum(b, gradient));
    if (context.needsGradient(x)) {
      const inputGradient = tiles ? winogradInputGradient : convInputGradient;
      context.accumulate(x, inputGradient(b, geometry, context.value(weight), gradient));
    }
  },
};
