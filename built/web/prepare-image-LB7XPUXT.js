import './chunk-MOR2SDXV.js';

// core/preprocess/region.ts
function centreRegion(size, aspect) {
  const width = Math.max(1, Math.min(size.width, Math.round(size.height * aspect))),
    height = Math.max(1, Math.min(size.height, Math.round(size.width / aspect))),
    left = Math.floor((size.width - width) / 2),
    top = Math.floor((size.height - height) / 2);
  return { left, top, width, height };
}
function cropImage(image, { left, top, width, height }) {
  if (![left, top, width, height].every(Number.isInteger) || left < 0 || top < 0 || width < 1 || height < 1)
    throw new RangeError(`the region ${width}x${height} at ${left},${top} is not in whole pixels`);
  if (left + width > image.width || top + height > image.height)
    throw new RangeError(
      `the region ${width}x${height} at ${left},${top} reaches out of ${image.width}x${image.height}`,
    );
  if (width === image.width && height === image.height) return image;
  const { channels } = image,
    data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { data, width, height, channels };
}

// core/preprocess/resize.ts
function resizeBilinear(image, width, height) {
  for (const size of [image.width, image.height, width, height])
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`image size must be positive, not ${size}`);
  const needed = image.width * image.height * image.channels;
  if (image.data.length < needed)
    throw new RangeError(`image has ${image.data.length} bytes, needs ${needed}`);
  const wide = width === image.width ? image : resizeRows(image, width);
  return height === wide.height ? wide : resizeColumns(wide, height);
}
var PRECISION_BITS = 22,
  HALF = 1 << (PRECISION_BITS - 1);
function triangleWeights(from, to) {
  const scale = from / to,
    support = Math.max(scale, 1),
    stride = Math.ceil(support) * 2 + 1,
    weights = {
      first: new Int32Array(to),
      count: new Int32Array(to),
      values: new Int32Array(to * stride),
      stride,
    },
    exact = new Float64Array(stride);
  for (let i = 0; i < to; i++) {
    let centre = (i + 0.5) * scale,
      first = Math.max(0, Math.trunc(centre - support + 0.5)),
      count = Math.min(from, Math.trunc(centre + support + 0.5)) - first,
      sum = 0;
    for (let k = 0; k < count; k++) {
      const weight = Math.max(0, 1 - Math.abs((k + first - centre + 0.5) * (1 / support)));
      (exact[k] = weight), (sum += weight);
    }
    (weights.first[i] = first), (weights.count[i] = count);
    for (let k = 0; k < count; k++)
      weights.values[i * stride + k] = Math.trunc(0.5 + (exact[k] / sum) * (1 << PRECISION_BITS));
  }
  return weights;
}
function resizeRows(image, width) {
  const { height, channels, data: src } = image,
    { first, count, values, stride } = triangleWeights(image.width, width),
    data = new Uint8Array(width * height * channels),
    alpha = channels === 4;
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * image.width;
    for (let x = 0; x < width; x++, to += channels) {
      let from = (row + first[x]) * channels,
        at = x * stride,
        [red, green, blue, opacity] = [HALF, HALF, HALF, HALF];
      for (let end = at + count[x]; at < end; at++, from += channels) {
        const weight = values[at];
        (red += src[from] * weight),
          (green += src[from + 1] * weight),
          (blue += src[from + 2] * weight),
          alpha && (opacity += src[from + 3] * weight);
      }
      (data[to] = toByte(red)),
        (data[to + 1] = toByte(green)),
        (data[to + 2] = toByte(blue)),
        alpha && (data[to + 3] = toByte(opacity));
    }
  }
  return { data, width, height, channels };
}
function resizeColumns(image, height) {
  const { width, channels } = image,
    weights = triangleWeights(image.height, height),
    rowLength = width * channels,
    data = new Uint8Array(rowLength * height);
  for (let y = 0; y < height; y++) {
    const from = weights.first[y] * rowLength;
    for (let at = 0; at < rowLength; at++)
      data[y * rowLength + at] = weightedSum(image.data, from + at, rowLength, weights, y);
  }
  return { data, width, height, channels };
}
function weightedSum(data, from, step, weights, output) {
  let at = output * weights.stride,
    count = weights.count[output],
    sum = HALF;
  for (let k = 0; k < count; k++) sum += data[from + k * step] * weights.values[at + k];
  return toByte(sum);
}
function toByte(sum) {
  return Math.min(255, sum >> PRECISION_BITS);
}

// core/preprocess/prepare-image.ts
function prepareImage(image, size, region = centreRegion(image, size.width / size.height)) {
  return resizeBilinear(flattenOverWhite(cropImage(image, region)), size.width, size.height);
}
function flattenOverWhite(image) {
  if (image.channels === 3) return image;
  const { data, width, height } = image,
    pixels = width * height,
    out = new Uint8Array(pixels * 3);
  for (let p = 0, from = 0, to = 0; p < pixels; p++, from += 4, to += 3) {
    const alpha = data[from + 3];
    (out[to] = overWhite(data[from], alpha)),
      (out[to + 1] = overWhite(data[from + 1], alpha)),
      (out[to + 2] = overWhite(data[from + 2], alpha));
  }
  return { data: out, width, height, channels: 3 };
}
function overWhite(color, alpha) {
  return Math.floor((color * alpha + 127) / 255) + 255 - alpha;
}

export { flattenOverWhite, prepareImage };
