/**
 * What `prepareImage` does, as lines of Python with Pillow, for cards and programs that are given away with a model:
 * turned by EXIF, transparency over white, the largest region of the network's aspect ratio around the centre, resized.
 * @param picture an expression for the picture that was opened; width and height may be expressions too
 * @returns lines that leave it in `image`; they need `PIL.Image` and `PIL.ImageOps`
 */
export function pillowLines(
  picture: string,
  { width, height }: Record<'width' | 'height', number | string>,
): string[] {
  return [
    `image = PIL.ImageOps.exif_transpose(${picture}).convert("RGBA")`,
    'image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image).convert("RGB")',
    // Python rounds halves to even, Math.round up.
    `w = max(1, min(image.width, int(image.height * (${width} / ${height}) + 0.5)))`,
    `h = max(1, min(image.height, int(image.width / (${width} / ${height}) + 0.5)))`,
    'left, top = (image.width - w) // 2, (image.height - h) // 2',
    `image = image.crop((left, top, left + w, top + h)).resize((${width}, ${height}), PIL.Image.Resampling.BILINEAR)`,
  ];
}
