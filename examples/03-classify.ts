/**
 * Classifies a picture: npx tsx examples/03-classify.ts picture.jpg [MODEL]
 * MODEL is an .onnx file, ours or another program's, or a name; left out, the embedded model.
 */
import { Classifier } from '../index.ts';

const [picture = 'picture.jpg', model] = process.argv.slice(2);
const classifier = await Classifier.open(model);
try {
  for (const { label, probability } of await classifier.classify(picture, { topK: 3 })) {
    console.log(`${(100 * probability).toFixed(1).padStart(5)} %  ${label}`);
  }
} finally {
  await classifier.close();
}
