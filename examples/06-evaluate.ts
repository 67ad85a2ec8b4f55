/**
 * Measures a model on test images, in this process and through a server: npx tsx examples/06-evaluate.ts photos MODEL
 * Both see the same pixels, so both are right on the same number of images.
 */
import { Classifier, evaluate, loadDataset, startServer } from '../index.ts';

const [photos = 'photos', model = 'exports/example-fp32.onnx'] = process.argv.slice(2);
const classifier = await Classifier.open(model);
// The same share as in 01-train.ts, so that no image is one that it was trained on.
const dataset = await loadDataset({ data: photos, valShare: 0.25, imageSize: classifier.height });
const { top1Correct, images, classes } = await evaluate(classifier, dataset);
console.log(`here: ${top1Correct} of ${images} right`);
for (const { name, correct, images } of classes) console.log(`  ${name}: ${correct} of ${images}`);
await classifier.close();

const server = await startServer({ models: [model], port: 0 });
const served = await evaluate(server.url, dataset);
console.log(`${server.models[0]}: ${served.top1Correct} of ${served.images} right`);
await server.close();
