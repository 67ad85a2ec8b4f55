import type { ClassifierMetadata } from '../../core/model-metadata.ts';

/** How to run a model with onnxruntime, as code to copy, for the interface that it has. */
export function usage(file: string, metadata: ClassifierMetadata): string {
  const name = JSON.stringify(file);
  if (metadata.preprocessing === 'graph') {
    const { inputHeight: h, inputWidth: w } = metadata;
    return code(
      'python',
      'import onnxruntime, numpy, PIL.Image',
      `image = PIL.Image.open("picture.jpg").convert("RGB").resize((${w}, ${h}), PIL.Image.BILINEAR)`,
      `session = onnxruntime.InferenceSession(${name})`,
      'probabilities, indices = session.run(None, {"images": numpy.asarray(image)[None]})',
    );
  }
  const { mean, std, inputHeight: h, inputWidth: w, inputLayout } = metadata;
  const planar = inputLayout === 'NCHW' ? '.transpose(2, 0, 1)' : '';
  return code(
    'python',
    'import onnxruntime, numpy, PIL.Image',
    `image = PIL.Image.open("picture.jpg").convert("RGB").resize((${w}, ${h}), PIL.Image.BILINEAR)`,
    `x = (numpy.asarray(image) / 255 - ${JSON.stringify(mean)}) / ${JSON.stringify(std)}`,
    `session = onnxruntime.InferenceSession(${name})`,
    `logits, = session.run(None, {"input": x${planar}[None].astype(numpy.float32)})`,
  );
}

function code(language: string, ...lines: string[]): string {
  return [`\`\`\`${language}`, ...lines, '```'].join('\n');
}
