import { loadTensorFlow, type TensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { runChild } from '../children/child-main.ts';

type Symbolic = import('@tensorflow/tfjs-node-gpu').SymbolicTensor;

interface Net {
  bottleneck: boolean;
  depths: number[];
  widths: number[];
  stem: number;
}

const IMAGENET_WIDTHS = [64, 128, 256, 512];
const CIFAR_WIDTHS = [16, 32, 64];
const NETS: Record<string, Net> = {
  resnet20: { bottleneck: false, depths: [3, 3, 3], widths: CIFAR_WIDTHS, stem: 16 },
  resnet32: { bottleneck: false, depths: [5, 5, 5], widths: CIFAR_WIDTHS, stem: 16 },
  resnet56: { bottleneck: false, depths: [9, 9, 9], widths: CIFAR_WIDTHS, stem: 16 },
  resnet18: { bottleneck: false, depths: [2, 2, 2, 2], widths: IMAGENET_WIDTHS, stem: 64 },
  resnet34: { bottleneck: false, depths: [3, 4, 6, 3], widths: IMAGENET_WIDTHS, stem: 64 },
  resnet50: { bottleneck: true, depths: [3, 4, 6, 3], widths: IMAGENET_WIDTHS, stem: 64 },
};

/** The net as a user of TensorFlow.js writes it, with its layers API. */
function buildLayersModel(tf: TensorFlow, { bottleneck, depths, widths, stem }: Net, imageSize: number) {
  const { conv2d, batchNormalization, reLU, add } = tf.layers;
  const convNorm = (x: Symbolic, filters: number, kernelSize: number, strides = 1): Symbolic => {
    const conv = conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false });
    return batchNormalization().apply(conv.apply(x)) as Symbolic;
  };
  const relu = (x: Symbolic) => reLU().apply(x) as Symbolic;
  const input = tf.input({ shape: [imageSize, imageSize, 3] });
  let x = relu(convNorm(input, stem, 3));
  let channels = stem;
  widths.forEach((width, stage) => {
    for (let block = 0; block < depths[stage]!; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const outputs = bottleneck ? 4 * width : width;
      const residual = bottleneck
        ? convNorm(relu(convNorm(relu(convNorm(x, width, 1)), width, 3, stride)), outputs, 1)
        : convNorm(relu(convNorm(x, width, 3, stride)), width, 3);
      const shortcut = stride !== 1 || channels !== outputs ? convNorm(x, outputs, 1, stride) : x;
      x = relu(add().apply([residual, shortcut]) as Symbolic);
      channels = outputs;
    }
  });
  const pooled = tf.layers.globalAveragePooling2d({}).apply(x);
  const logits = tf.layers.dense({ units: 100 }).apply(pooled) as Symbolic;
  return tf.model({ inputs: input, outputs: logits });
}

/** A training step or forward pass of TensorFlow.js without us: what a user would have otherwise. */
await runChild(async ({ model: name, imageSize = 32, batchSize, pass }) => {
  const net = NETS[name];
  if (!net) throw new Error(`there is no ${name} in TensorFlow.js's layers here`);
  const tf = await loadTensorFlow();
  const model = buildLayersModel(tf, net, imageSize);
  const images = tf.randomNormal([batchSize, imageSize, imageSize, 3]);
  const targets = tf.fill([batchSize, 100], 0.01);
  model.compile({
    optimizer: tf.train.momentum(0.01, 0.9),
    loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
  });
  const parameters = model.trainableWeights.reduce((sum, weight) => {
    return sum + weight.shape.reduce<number>((size, dim) => size * dim!, 1);
  }, 0);
  return {
    parameters,
    run: async () => {
      if (pass === 'train') {
        await model.trainOnBatch(images, targets);
        return;
      }
      const logits = model.predictOnBatch(images) as import('@tensorflow/tfjs-node-gpu').Tensor;
      await logits.data();
      logits.dispose();
    },
  };
});
