import { plainMarkdown } from '../../core/cli/printable.ts';

/** What a model card says of the data, by the dataset's name. */
const NOTES: Readonly<Record<string, { description: string; terms: string }>> = {
  cifar100: {
    description:
      'CIFAR-100: 50,000 training and 10,000 test images of 32 x 32 pixels in 100 classes ' +
      '([Krizhevsky 2009](https://www.cs.toronto.edu/~kriz/cifar.html)).',
    terms: 'The data is by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; it comes without a licence.',
  },
  cifar10: {
    description:
      'CIFAR-10: 50,000 training and 10,000 test images of 32 x 32 pixels in 10 classes ' +
      '([Krizhevsky 2009](https://www.cs.toronto.edu/~kriz/cifar.html)).',
    terms: 'The data is by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; it comes without a licence.',
  },
  imagenet: {
    description:
      'ImageNet (ILSVRC 2012): 1.28 million training photographs in 1000 classes ' +
      '([Russakovsky et al. 2015](https://arxiv.org/abs/1409.0575)).',
    terms: "ImageNet's photographs are of many owners; they are given for research and education.",
  },
  synthetic: {
    description:
      'Synthetic: images of shapes and textures drawn by the code of onnx-classifier. A model of it shows that the ' +
      'chain works; it knows no real pictures.',
    terms: 'The data is part of the code (MIT).',
  },
  folder: {
    description: 'A folder of images, with a folder a class.',
    terms: 'The data is the user’s own; its terms are not known here.',
  },
};

export function datasetNotes(dataset: string): { description: string; terms: string } {
  const known = Object.hasOwn(NOTES, dataset) ? NOTES[dataset] : undefined;
  return known ?? { description: plainMarkdown(dataset), terms: 'The terms of the data are not known here.' };
}
