import { UserError } from '../errors.ts';

/** What a JSON of another program says, in the words of our own (see `Preprocessing`), not checked yet. */
export interface Translated {
  json: Record<string, unknown>;
  /** Sizes of which the graph may have any, in the order of preference. */
  sizes: [height: number, width: number][];
  /** How its way from picture to pixels differs from ours, for people; nothing if it does not. */
  notes: string[];
}

type Json = Record<string, unknown>;

/** Keys of our own JSON that may be added to a copy of theirs. */
const OURS = ['name', 'dataset', 'labels', 'input', 'output', 'scores', 'layout'];

/** Any of these makes a JSON the configuration of an image processor of Hugging Face's transformers. */
const PROCESSOR_KEYS = [
  ...['image_processor_type', 'feature_extractor_type', 'image_mean', 'image_std', 'rescale_factor'],
  ...['do_resize', 'do_rescale', 'do_normalize', 'do_center_crop', 'do_flip_channel_order'],
];

/** Steps that are done here too, or change nothing in what a classifier sees. */
const KNOWN_STEPS = new Set([
  ...['do_resize', 'do_center_crop', 'do_rescale', 'do_normalize', 'do_flip_channel_order', 'do_grayscale'],
  ...['do_convert_rgb', 'do_reduce_labels'],
]);

/** `resample` by Pillow's numbers. */
const FILTERS = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];

/** Whether a JSON is a `preprocessor_config.json` of transformers, whatever its name. */
export function isImageProcessor(json: Json): boolean {
  return PROCESSOR_KEYS.some((key) => key in json);
}

/** Whether a JSON is a timm model's `config.json`. */
export function isTimm(json: Json): boolean {
  const flat = typeof json.architecture === 'string' && 'mean' in json && 'input_size' in json;
  return flat || isObject(json.pretrained_cfg);
}

/**
 * Translates the configuration of an image processor of transformers.
 * @param path for errors
 * @throws UserError if it asks for what a classifier's input cannot be brought to here
 */
export function fromImageProcessor(json: Json, path: string): Translated {
  const type = String(json.image_processor_type ?? json.feature_extractor_type ?? '');
  const refuse = (what: string): UserError =>
    new UserError(`${path}: ${what}, which is not done here; say in a JSON of our own how to prepare images`);
  const asked = (key: string): boolean => json[key] === true;
  const odd = Object.keys(json).find((key) => /^do_/.test(key) && asked(key) && !KNOWN_STEPS.has(key));
  if (odd !== undefined) throw refuse(`it asks for "${odd}"`);
  if (asked('offset')) throw refuse('it asks for "offset"');

  const out: Json = own(json);
  out.scale = json.do_rescale === false ? 1 : (json.rescale_factor ?? 1 / 255);
  const hasStatistics = [json.image_mean, json.image_std].every(
    (value) => value !== undefined && value !== null,
  );
  // Of those that leave it out, only MobileViT's never normalises.
  const normalizes = json.do_normalize ?? (hasStatistics || !/^MobileViT/.test(type));
  if (normalizes && !hasStatistics) {
    throw new UserError(`${path} must give "image_mean" and "image_std", or "do_normalize": false`);
  }
  out.mean = normalizes ? json.image_mean : 0;
  out.std = normalizes ? json.image_std : 1;
  if (/^EfficientNet/.test(type)) efficientNet(json, out, normalizes === true);
  if (asked('do_grayscale')) out.color = 'gray';
  // MobileViT's processor does unless told otherwise.
  if (json.do_flip_channel_order ?? (/^MobileViT/.test(type) && !normalizes)) {
    if (normalizes) throw refuse('it normalises and asks for "do_flip_channel_order" too');
    out.color = 'BGR';
  }
  return { json: out, ...geometry(json, type, path) };
}

/** EfficientNet's processor has two steps of its own (image_processing_efficientnet.py of transformers). */
function efficientNet(json: Json, out: Json, normalizes: boolean): void {
  const each = (value: unknown, change: (v: number) => number): unknown =>
    Array.isArray(value) ? value.map((v) => change(Number(v))) : change(Number(value));
  if (json.rescale_offset === true) out.mean = each(out.mean, (mean) => mean + 1);
  // Divided by the deviation once more, without the mean.
  if (json.include_top !== false && normalizes) out.std = each(out.std, (std) => std * std);
}

/** The input's size, and how a picture is brought to it: here the middle of its aspect ratio, bilinearly. */
function geometry(json: Json, type: string, path: string): Pick<Translated, 'sizes' | 'notes'> {
  const { size, resample } = json;
  const notes: string[] = [];
  const resizes = json.do_resize !== false;
  const filter = typeof resample === 'number' ? FILTERS[resample] : undefined;
  if (resizes && filter !== undefined && filter !== 'bilinear') notes.push(`resizes with a ${filter} filter`);

  const cropsByShare = /^(ConvNext|PoolFormer)/.test(type);
  const edge = edgeOf(size) ?? (cropsByShare && isSize(size) ? size : undefined);
  const exact = sizeOf(size);
  const crop = json.do_center_crop === false ? undefined : sizeOf(json.crop_size);
  let sizes: [number, number][] = [];
  if (/^Perceiver/.test(type) && exact) {
    // It crops first, and resizes what is left to `size`.
    sizes = [exact];
    if (crop) notes.push(`takes the middle ${exact[0]} of ${crop[0]} parts of a picture's shorter side`);
  } else if (json.do_center_crop === true && !crop && !cropsByShare) {
    // Each processor has a size of its own for that: only the graph can tell.
    notes.push('takes the middle of the picture');
  } else if (crop && !cropsByShare) {
    sizes = [crop];
    const by = /^Levit/.test(type) ? 256 / 224 : 1;
    const from = Math.trunc(by * (edge ?? Math.min(...(exact ?? crop))));
    if (resizes && from > Math.max(...crop)) notes.push(`takes the middle ${crop[0]} of ${from} pixels`);
    if (!resizes) notes.push('takes the middle of the picture without resizing it');
  } else if (edge !== undefined) {
    sizes = [[edge, edge]];
    if (cropsByShare) {
      const share = Number(json.crop_pct ?? (type.startsWith('Conv') ? 224 / 256 : 0.9));
      if (edge >= 384) notes.push('squeezes pictures that are not square');
      else if (share < 1) notes.push(`takes the middle ${edge} of ${Math.trunc(edge / share)} pixels`);
    } else if (resizes) notes.push('keeps what is beside the middle square of a picture');
  } else if (exact) {
    sizes = [exact];
    notes.push(resizes ? 'squeezes pictures of another aspect ratio' : 'does not resize pictures');
  } else if (size !== undefined && size !== null) {
    throw new UserError(`${path}: "size" must be pixels, or have "height" and "width" or "shortest_edge"`);
  }
  return { sizes, notes };
}

/**
 * Translates timm's configuration of a pretrained model.
 * @param path for errors
 * @throws UserError if its input is no picture of 1 or 3 channels
 */
export function fromTimm(json: Json, path: string): Translated {
  const config = isObject(json.pretrained_cfg) ? { ...json, ...json.pretrained_cfg } : json;
  const sizes: [number, number][] = [];
  for (const key of ['input_size', 'test_input_size']) {
    const size: unknown = config[key];
    if (size === undefined || size === null) continue;
    const [channels, ...sides] = Array.isArray(size) ? (size as unknown[]) : [];
    const hw = sizeOf(sides);
    if ((channels !== 3 && channels !== 1) || !hw) {
      throw new UserError(`${path}: "${key}" must be channels (1 or 3), height and width`);
    }
    sizes.push(hw);
  }
  const { interpolation, crop_pct: share, crop_mode: mode } = config;
  const notes: string[] = [];
  if (typeof interpolation === 'string' && interpolation !== 'bilinear') {
    notes.push(`resizes with a ${interpolation} filter`);
  }
  if (typeof share === 'number' && share < 1) {
    notes.push(`takes the middle ${Math.round(share * 1000) / 10} % of a picture's side`);
  }
  if (typeof mode === 'string' && mode !== 'center') notes.push(`crops in its mode "${mode}"`);
  const { label_names, label_descriptions, id2label } = config;
  const labels = json.labels ?? (label_names ? { label_names, label_descriptions } : id2label);
  const out: Json = { ...own(json), mean: config.mean, std: config.std };
  return { json: labels ? { ...out, labels } : out, sizes, notes };
}

function own(json: Json): Json {
  return Object.fromEntries(OURS.filter((key) => json[key] !== undefined).map((key) => [key, json[key]]));
}

function edgeOf(size: unknown): number | undefined {
  return isObject(size) && isSize(size.shortest_edge) ? size.shortest_edge : undefined;
}

function sizeOf(size: unknown): [number, number] | undefined {
  const [height, width] = Array.isArray(size)
    ? (size as unknown[])
    : isObject(size)
      ? [size.height, size.width]
      : [size, size];
  return isSize(height) && isSize(width) ? [height, width] : undefined;
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
