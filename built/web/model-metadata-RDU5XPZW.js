import { UserError } from './chunk-CQTP4RLG.js';
import { SCORE_KINDS } from './chunk-LQA6PXJA.js';
import './chunk-MOR2SDXV.js';

// core/cli/printable.ts
function cleanText(text) {
  return text.replace(/[\t\n\r]+/g, ' ').replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\uFEFF]/gu, '\uFFFD');
}

// core/model-metadata.ts
var PRECISIONS = ['fp32', 'fp16', 'int8'],
  LAYOUTS = ['NCHW', 'NHWC'],
  PREPROCESSORS = ['client', 'graph'],
  OWN_KEY = 'onnx_classifier.format',
  KEYS_BEFORE = {
    model: /./,
    dataset: /./,
    labels: /^\[/,
    mean: /^\[/,
    std: /^\[/,
    input_layout: /^N(CHW|HWC)$/,
    color_space: /^RGB$/,
    input_height: /^\d+$/,
    input_width: /^\d+$/,
  },
  OWN_KEYS = /* @__PURE__ */ new Set([
    OWN_KEY,
    ...Object.keys(KEYS_BEFORE),
    'resize',
    'pixel_scale',
    'preprocessing',
    'precision',
    'scores',
    'batching',
    'accuracy',
    'agreement',
    'training_config',
    'licence',
  ]);
function isOwnKey(key) {
  return OWN_KEYS.has(key);
}
function isOurs(props) {
  return props[OWN_KEY] !== void 0
    ? !0
    : Object.entries(KEYS_BEFORE).every(([key, form]) => form.test(props[key] ?? ''));
}
function encodeMetadata(metadata) {
  const props = {
    [OWN_KEY]: '1',
    model: metadata.model,
    dataset: metadata.dataset,
    labels: JSON.stringify(metadata.labels),
    mean: JSON.stringify(metadata.mean),
    std: JSON.stringify(metadata.std),
    input_layout: metadata.inputLayout,
    color_space: metadata.colorSpace,
    input_height: String(metadata.inputHeight),
    input_width: String(metadata.inputWidth),
    // How a picture becomes the input, for readers of other makes: `core/preprocess` knows no other way.
    resize: 'bilinear, antialiased',
    pixel_scale: '1/255',
  };
  return (
    metadata.preprocessing && (props.preprocessing = metadata.preprocessing),
    metadata.scores && metadata.scores !== 'logits' && (props.scores = metadata.scores),
    metadata.oneByOne && (props.batching = 'one by one'),
    metadata.precision && (props.precision = metadata.precision),
    metadata.accuracy && (props.accuracy = JSON.stringify(metadata.accuracy)),
    metadata.trainingConfig && (props.training_config = JSON.stringify(metadata.trainingConfig)),
    metadata.agreement && (props.agreement = JSON.stringify(metadata.agreement)),
    metadata.licence && (props.licence = metadata.licence),
    props
  );
}
function decodeMetadata(props, source) {
  const metadata = decodeAnyMetadata(props, source);
  if (metadata.preprocessing === 'graph')
    throw new UserError(`${source} normalises and ranks by itself; export it without --preprocess for this`);
  if (metadata.inputLayout !== 'NCHW')
    throw new UserError(`${source} takes NHWC images; export it with --layout nchw for this`);
  return metadata;
}
function decodeAnyMetadata(props, source) {
  const reader = new PropsReader(props, source),
    labels = reader.names('labels').map(cleanText),
    inputLayout = reader.choice('input_layout', LAYOUTS),
    colorSpace = reader.choice('color_space', ['RGB']),
    std = reader.triple('std');
  if (std.some((value) => value <= 0)) throw new UserError(`${source}: metadata "std" must be positive`);
  const metadata = {
    model: cleanText(reader.text('model')),
    dataset: cleanText(reader.text('dataset')),
    labels,
    mean: reader.triple('mean'),
    std,
    inputLayout,
    colorSpace,
    inputHeight: reader.size('input_height'),
    inputWidth: reader.size('input_width'),
  };
  return (
    reader.has('preprocessing') && (metadata.preprocessing = reader.choice('preprocessing', PREPROCESSORS)),
    reader.has('scores') && (metadata.scores = reader.choice('scores', SCORE_KINDS)),
    reader.has('batching') &&
      (metadata.oneByOne = reader.choice('batching', ['one by one']) === 'one by one'),
    reader.has('precision') && (metadata.precision = reader.choice('precision', PRECISIONS)),
    reader.has('accuracy') && (metadata.accuracy = reader.json('accuracy')),
    reader.has('licence') && (metadata.licence = cleanText(reader.text('licence'))),
    reader.has('agreement') && (metadata.agreement = reader.json('agreement')),
    reader.has('training_config') && (metadata.trainingConfig = reader.json('training_config')),
    metadata
  );
}
var PropsReader = class {
  #props;
  #source;
  /** @param source what to call the model in an error, e.g. its path */
  constructor(props, source) {
    (this.#props = props), (this.#source = source);
  }
  has(key) {
    return this.#props[key] !== void 0;
  }
  /** @throws UserError, as all that follow, if the key is missing or its value malformed */
  text(key) {
    const value = this.#props[key];
    if (value === void 0)
      throw new UserError(`${this.#source} has no metadata "${key}"; export it with onnx-classifier export`);
    return value;
  }
  json(key) {
    const text = this.text(key);
    try {
      return JSON.parse(text);
    } catch {
      throw new UserError(`${this.#source}: metadata "${key}" is not JSON`);
    }
  }
  /** One of some words. */
  choice(key, choices) {
    const value = this.text(key),
      choice = choices.find((known) => known === value);
    if (choice !== void 0) return choice;
    throw new UserError(`${this.#source}: metadata "${key}" must be ${choices.join(' or ')}`);
  }
  triple(key) {
    const value = this.json(key);
    if (!Array.isArray(value) || value.length !== 3 || !value.every((v) => Number.isFinite(v)))
      throw new UserError(`${this.#source}: metadata "${key}" must be three numbers`);
    return value;
  }
  /** A size in pixels. */
  size(key) {
    const value = Number(this.text(key));
    if (!Number.isInteger(value) || value < 1 || value > 4096)
      throw new UserError(`${this.#source}: metadata "${key}" must be a size in pixels from 1 to 4096`);
    return value;
  }
  names(key) {
    const value = this.json(key);
    if (!Array.isArray(value) || value.length === 0 || !value.every((name) => typeof name == 'string'))
      throw new UserError(`${this.#source}: metadata "${key}" must be a list of names`);
    return value;
  }
};

export { decodeAnyMetadata, decodeMetadata, encodeMetadata, isOurs, isOwnKey, PRECISIONS };
