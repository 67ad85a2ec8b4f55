import type { onnx as Onnx } from 'onnx-proto';
import { labelsOf } from '../label-forms.ts';
import type { Preprocessing } from './preprocessing.ts';
import { parsePythonNames } from './python-literal.ts';

/**
 * What the metadata of a model of another program says of how to prepare images for it, and of its labels. A
 * classifier of Ultralytics takes RGB from 0 to 1, whatever data it was trained on.
 */
export function inMetadata(model: Onnx.IModelProto): Preprocessing {
  const props = propsOf(model);
  const labels = namesIn(props, model);
  const isUltralytics = props.get('author') === 'Ultralytics' && props.get('task') === 'classify';
  const size = /^\s*\[(\d{1,4}), *(\d{1,4})\]\s*$/.exec(props.get('imgsz') ?? '');
  return {
    ...(isUltralytics && { mean: [0], std: [1] }),
    ...(isUltralytics && size && { sizes: [[Number(size[1]), Number(size[2])]] }),
    ...(labels && { labels }),
  };
}

/**
 * The class names that YOLO's exporters put into the metadata as `names`; undefined where other programs mean
 * something else by it, or there are not as many as the model has scores.
 */
function namesIn(props: ReadonlyMap<string, string>, model: Onnx.IModelProto): string[] | undefined {
  const text = props.get('names');
  if (text === undefined || (props.get('task') ?? 'classify') !== 'classify') return undefined;
  const names = parsePythonNames(text) ?? parseJson(text);
  let labels: string[];
  try {
    labels = labelsOf(names, 'names');
  } catch {
    return undefined;
  }
  const scores = (model.graph?.output ?? []).map((value) => dimsOf(value).at(-1));
  const fits = scores.some((classes) => classes === undefined || classes === labels.length);
  return fits || (labels.length === 2 && scores.includes(1)) ? labels : undefined;
}

/** Sizes; undefined where one is any. */
export function dimsOf(value: Onnx.IValueInfoProto): (number | undefined)[] {
  return (value.type?.tensorType?.shape?.dim ?? []).map(({ dimValue, dimParam }) =>
    dimParam ? undefined : Number(dimValue ?? 0) || undefined,
  );
}

function propsOf(model: Onnx.IModelProto): Map<string, string> {
  return new Map((model.metadataProps ?? []).map(({ key, value }) => [key ?? '', value ?? '']));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
