import { UserError } from '../../core/errors.ts';
import { buildModel, MODEL_NAMES } from '../../core/models/zoo.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { encodeSafetensors } from '../../core/weights/safetensors.ts';
import { enlarges, sizeSeen } from '../../train/fine-tune/enlarge.ts';
import { pillowLines } from '../pillow.ts';
import type { ExportSource } from '../sources/source.ts';

/** How Python makes a net of the zoo, `CLASSES` its classes, and what it imports for that. */
const MAKERS: readonly (readonly [name: RegExp, library: string, lines: readonly string[]])[] = [
  [
    /^(resnet(?:18|34|50|101|152))-imagenet$/,
    'torchvision',
    ['net = torchvision.models.$1(num_classes=CLASSES)'],
  ],
  [
    /^(resnet(?:18|34|50|101|152))$/,
    'torchvision',
    [
      'net = torchvision.models.$1(num_classes=CLASSES)',
      '# For images of 32 pixels: a 3x3 convolution, and no pooling after it.',
      'net.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)',
      'net.maxpool = torch.nn.Identity()',
    ],
  ],
  [/^mobilenetv2$/, 'torchvision', ['net = torchvision.models.mobilenet_v2(num_classes=CLASSES)']],
  [
    /^mobilenetv3-small$/,
    'torchvision',
    ['net = torchvision.models.mobilenet_v3_small(num_classes=CLASSES)'],
  ],
  [/^efficientnet-(lite\d)$/, 'timm', ['net = timm.create_model("tf_efficientnet_$1", num_classes=CLASSES)']],
];

/**
 * A net of the zoo for PyTorch: `model.safetensors`, which torchvision's or timm's net of that name loads strictly,
 * `labels.json`, and `model.py`, which makes the net, loads it and prepares pictures as our server does.
 * @returns files by their paths in the folder
 * @throws UserError if neither has such a net, or batch norm is folded into the weights
 */
export function torchvisionFiles(source: ExportSource): [path: string, data: string | Uint8Array][] {
  const { graph, metadata, origin } = source;
  const { model, labels } = metadata;
  const maker = MAKERS.find(([name]) => name.test(model));
  if (!maker) {
    const known = MODEL_NAMES.filter((name) => MAKERS.some(([pattern]) => pattern.test(name)));
    throw new UserError(
      `--target torchvision: neither torchvision nor timm has ${model}; they have ${known.join(', ')}`,
    );
  }
  const whole = buildModel(model, { numClasses: labels.length, imageSize: sizeSeen(graph) });
  const tensors = new Map(
    stateOf(whole).map((name) => {
      const tensor = graph.initializers.get(name);
      if (tensor) return [name, { ...tensor, data: tensor.data as Float32Array }] as const;
      throw new UserError(
        `--target torchvision: batch norm is folded into the weights of ${origin}, which has no ${name}; export the run or the checkpoint that they are from`,
      );
    }),
  );
  return [
    ['model.safetensors', encodeSafetensors({ tensors, metadata: { format: 'pt' } })],
    ['labels.json', `${JSON.stringify(labels, null, 2)}\n`],
    ['model.py', programOf(source, maker)],
  ];
}

/** What PyTorch keeps of a net: what it learns and what its batch norm goes by. */
function stateOf(graph: Graph): string[] {
  const { parameters, buffers } = initializerRoles(graph);
  return [...parameters, ...buffers];
}

function programOf(
  { graph, metadata }: ExportSource,
  [name, library, lines]: (typeof MAKERS)[number],
): string {
  const { model, labels, mean, std, inputHeight, inputWidth } = metadata;
  const made = lines.map((line) => model.replace(name, line).replace('CLASSES', String(labels.length)));
  const seen = sizeSeen(graph);
  const enlarged = enlarges(graph)
    ? [
        '    # As in training: the net sees the small image enlarged.',
        `    x = torch.nn.functional.interpolate(x, size=(${seen}, ${Math.round((seen * inputWidth) / inputHeight)}), mode="bilinear")`,
      ]
    : [];
  return `"""${model} with the weights of onnx-classifier, for PyTorch: load(), prepare(picture), labels.

Needs torch, ${library}, safetensors and Pillow. python model.py PICTURE says what it sees.
"""
import json
import pathlib
import sys

import PIL.Image
import PIL.ImageOps
import torch
import ${library}
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).parent
labels = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))


def load():
    """The net in evaluation mode; net.train() goes on training it."""
${made.map((line) => `    ${line}`).join('\n')}
    net.load_state_dict(load_file(HERE / "model.safetensors"), strict=True)
    return net.eval()


def prepare(image):
    """The middle of a picture as the net takes it, [1, 3, height, width]: resized with antialiasing, normalised."""
${pillowLines('image', { width: inputWidth, height: inputHeight })
  .map((line) => `    ${line}`)
  .join('\n')}
    x = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(1, ${inputHeight}, ${inputWidth}, 3)
    x = x.permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor(${JSON.stringify(mean)}).reshape(1, 3, 1, 1)) / torch.tensor(${JSON.stringify(std)}).reshape(1, 3, 1, 1)
${[...enlarged, '    return x'].join('\n')}


if __name__ == "__main__":
    with torch.inference_mode(), PIL.Image.open(sys.argv[1]) as picture:
        scores = load()(prepare(picture)).softmax(1)[0]
    for score, index in zip(*scores.topk(min(5, len(labels)))):
        print(f"{float(score):7.2%}  {labels[int(index)]}")
`;
}
