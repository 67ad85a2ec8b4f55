/** A model's name without folders and ending. */
export function shortName(name: string): string {
  return name
    .split('/')
    .at(-1)!
    .replace(/\.onnx$/i, '');
}
