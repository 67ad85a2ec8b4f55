export interface Box {
  width: number;
  height: number;
}

export type Point = readonly [x: number, y: number];

export interface Layout extends Box {
  /** Of each box: the middle of its top. */
  boxes: Point[];
  /** Of each edge: from the bottom of one box to the top of the other, and between which others it passes. */
  edges: Point[][];
}

/** A box, or a place in a layer that an edge passes through. */
interface Item {
  width: number;
  above: Item[];
  below: Item[];
  isBox: boolean;
  x: number;
}

const LAYER_GAP = 40;
const ITEM_GAP = 28;
const LANE = 14;
/** Edges have no more places in layers than this together: those beyond, the longest, are drawn straight. */
const MAX_LANES = 60_000;
const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 12;

/**
 * Lays out a directed graph from top to bottom in layers, by Sugiyama's method: layers by the longest path, the order in
 * a layer by the middle of the neighbours, places by least squares.
 * @param edges pairs of indices into `boxes`, each from a lower one to a higher
 */
export function layOutGraph(boxes: readonly Box[], edges: readonly (readonly [number, number])[]): Layout {
  const ranks = rankBoxes(boxes.length, edges);
  const layers: Item[][] = Array.from({ length: Math.max(0, ...ranks.map((rank) => rank + 1)) }, () => []);
  const items = boxes.map(({ width }, i) => addTo(layers[ranks[i]!]!, width, true));
  const span = ([from, to]: readonly [number, number]): number => ranks[to]! - ranks[from]!;
  const chains = new Map<readonly [number, number], Item[]>();
  let lanes = 0;
  for (const edge of [...edges].sort((a, b) => span(a) - span(b))) {
    const [from, to] = edge;
    lanes += span(edge) - 1;
    const between =
      lanes > MAX_LANES
        ? []
        : layers.slice(ranks[from]! + 1, ranks[to]!).map((layer) => addTo(layer, LANE, false));
    const chain = [items[from]!, ...between, items[to]!];
    chains.set(edge, chain);
    if (chain.length - 1 < span(edge)) continue;
    for (let i = 1; i < chain.length; i++) {
      chain[i - 1]!.below.push(chain[i]!);
      chain[i]!.above.push(chain[i - 1]!);
    }
  }
  order(layers);
  const width = place(layers);
  const heights = layers.map(() => 0);
  boxes.forEach(({ height }, i) => {
    heights[ranks[i]!] = Math.max(heights[ranks[i]!]!, height);
  });
  const tops: number[] = [];
  let height = 0;
  for (const own of heights) {
    tops.push(height);
    height += own + LAYER_GAP;
  }
  const points = (edge: readonly [number, number]): Point[] => {
    const [from, to] = edge;
    const chain = chains.get(edge)!;
    const between = chain.slice(1, -1).flatMap(({ x }, i): Point[] => {
      const top = tops[ranks[from]! + 1 + i]!;
      return [
        [x, top],
        [x, top + heights[ranks[from]! + 1 + i]!],
      ];
    });
    const bottom = tops[ranks[from]!]! + boxes[from]!.height;
    return [[items[from]!.x, bottom], ...between, [items[to]!.x, tops[ranks[to]!]!]];
  };
  return {
    width,
    height: Math.max(0, height - LAYER_GAP),
    boxes: items.map(({ x }, i) => [x, tops[ranks[i]!]!]),
    edges: edges.map(points),
  };
}

function addTo(layer: Item[], width: number, isBox: boolean): Item {
  const item: Item = { width, above: [], below: [], isBox, x: 0 };
  layer.push(item);
  return item;
}

/** As early as their longest path says; what hangs on no other box, and what only such lead to, as late as it can. */
function rankBoxes(count: number, edges: readonly (readonly [number, number])[]): number[] {
  const above: number[][] = Array.from({ length: count }, () => []);
  const below: number[][] = Array.from({ length: count }, () => []);
  for (const [from, to] of edges) {
    above[to]!.push(from);
    below[from]!.push(to);
  }
  const ranks: number[] = [];
  const floats: boolean[] = [];
  for (let i = 0; i < count; i++) {
    ranks.push(above[i]!.reduce((most, from) => Math.max(most, ranks[from]! + 1), 0));
    // The first box is where the graph begins.
    floats.push(i > 0 && above[i]!.every((from) => floats[from]!));
  }
  for (let i = count - 1; i >= 0; i--) {
    if (!floats[i] || below[i]!.length === 0) continue;
    ranks[i] = below[i]!.reduce((least, to) => Math.min(least, ranks[to]! - 1), Number.POSITIVE_INFINITY);
  }
  return ranks;
}

/** Sorts each layer by the mean place of what its items hang on, down and up by turns. */
function order(layers: readonly Item[][]): void {
  const number = (layer: readonly Item[]): void => {
    layer.forEach((item, i) => {
      item.x = i;
    });
  };
  layers.forEach(number);
  for (let sweep = 0; sweep < ORDER_SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const at = new Map(layer.map((item) => [item, mean(down ? item.above : item.below) ?? item.x]));
      layer.sort((a, b) => at.get(a)! - at.get(b)! || a.x - b.x);
      number(layer);
    }
  }
}

function mean(items: readonly Item[]): number | undefined {
  if (items.length === 0) return undefined;
  return items.reduce((sum, { x }) => sum + x, 0) / items.length;
}

/** Gives items places near the middle of their neighbours, in their order and apart. @returns how wide it became */
function place(layers: readonly Item[][]): number {
  for (const layer of layers) {
    let x = 0;
    for (const item of layer) {
      item.x = x + item.width / 2;
      x += item.width + ITEM_GAP;
    }
  }
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) settle(layer, down);
  }
  const all = layers.flat();
  const left = all.reduce((least, { x, width }) => Math.min(least, x - width / 2), Number.POSITIVE_INFINITY);
  let right = 0;
  for (const item of all) {
    item.x -= left;
    right = Math.max(right, item.x + item.width / 2);
  }
  return right;
}

/** The places nearest to those wanted that keep order and distance: isotonic regression by pooling neighbours. */
function settle(layer: readonly Item[], down: boolean): void {
  const blocks: { sum: number; weight: number; count: number }[] = [];
  const offsets: number[] = [];
  let offset = 0;
  layer.forEach((item, i) => {
    const before = layer[i - 1];
    if (before) offset += (before.width + item.width) / 2 + (before.isBox || item.isBox ? ITEM_GAP : 0);
    offsets.push(offset);
    const nearer = mean(down ? item.above : item.below);
    const wanted = nearer ?? mean(down ? item.below : item.above) ?? item.x;
    // Long edges are straight before boxes are in the middle.
    const weight = item.isBox ? 1 + item.below.length : 4;
    blocks.push({ sum: (wanted - offset) * weight, weight, count: 1 });
    while (blocks.length > 1) {
      const last = blocks.at(-1)!;
      const other = blocks.at(-2)!;
      if (other.sum / other.weight <= last.sum / last.weight) break;
      blocks.pop();
      other.sum += last.sum;
      other.weight += last.weight;
      other.count += last.count;
    }
  });
  let i = 0;
  for (const { sum, weight, count } of blocks) {
    for (const end = i + count; i < end; i++) layer[i]!.x = sum / weight + offsets[i]!;
  }
}
