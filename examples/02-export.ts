/**
 * Writes what 01-train.ts trained as an ONNX file in float32 and one in int8: npx tsx examples/02-export.ts photos
 * The int8 one is calibrated on the photos and says how often it agrees with the float32 weights.
 */
import { exportModel } from '../index.ts';

const [photos] = process.argv.slice(2);
const data = photos === undefined ? {} : { data: photos };

for (const precision of ['fp32', 'int8'] as const) {
  const { file, bytes, labels, agreement } = await exportModel({
    run: 'runs/example',
    out: `exports/example-${precision}.onnx`,
    precision,
    ...data,
  });
  console.log(
    `${file}: ${(bytes / 1e6).toFixed(2)} MB, ${labels.length} classes, ` +
      `same best class on ${agreement.top1Agreeing} of ${agreement.images} ${agreement.on}`,
  );
}
