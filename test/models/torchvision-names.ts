/** The shape of a torchvision ResNet that decides its parameters' names. */
interface Layout {
  block: 'BasicBlock' | 'Bottleneck';
  /** Blocks in layer1 to layer4. */
  layers: readonly number[];
}

/**
 * The keys of a torchvision ResNet's `state_dict()` (torchvision/models/resnet.py), without the
 * `num_batches_tracked` counters, which inference does not read.
 */
export function torchvisionNames({ block, layers }: Layout): string[] {
  const names = ['conv1.weight', ...batchNorm('bn1')];
  const convs = block === 'BasicBlock' ? [1, 2] : [1, 2, 3];
  layers.forEach((depth, i) => {
    for (let index = 0; index < depth; index++) {
      const prefix = `layer${i + 1}.${index}`;
      for (const conv of convs) {
        names.push(`${prefix}.conv${conv}.weight`, ...batchNorm(`${prefix}.bn${conv}`));
      }
      // The first block of a layer is projected where its stride is 2 or its channels change: in a BasicBlock
      // net layer1 keeps the stem's 64 channels, in a Bottleneck net it makes 256 of them.
      if (index === 0 && (i > 0 || block === 'Bottleneck')) {
        names.push(`${prefix}.downsample.0.weight`, ...batchNorm(`${prefix}.downsample.1`));
      }
    }
  });
  return [...names, 'fc.weight', 'fc.bias'];
}

function batchNorm(name: string): string[] {
  return ['weight', 'bias', 'running_mean', 'running_var'].map((part) => `${name}.${part}`);
}
