import { createHash } from 'node:crypto';
import { printable } from '../../core/cli/printable.ts';
import { formatDims } from '../../core/onnx/operators/operator.ts';
import { DARK, LIGHT } from '../../core/plot/line-chart.ts';
import { escapeXml, pageHead, shorten as round } from '../../core/plot/xml.ts';
import { formatBytes, formatCount, shorten, summaryRows } from './format-report.ts';
import { layOutGraph, type Point } from './graph-layout.ts';
import type { InspectReport, LayerReport } from './inspect-model.ts';

/** What boxes can be coloured by. */
const MEASURES = {
  milliseconds: { name: 'time', of: ({ milliseconds }: LayerReport) => milliseconds ?? 0 },
  macs: { name: 'multiply-accumulates', of: ({ macs }: LayerReport) => macs ?? 0 },
  parameters: { name: 'parameters', of: ({ parameters }: LayerReport) => parameters },
  output: { name: 'output size', of: ({ shape }: LayerReport) => sizeOfShape(shape) ?? 0 },
} as const;

const BOX = { width: 236, height: 66 };
const END = { width: 236, height: 48 };
const MARGIN = 24;
/** Characters that fit into a box at the size of its names. */
const NAME_LENGTH = 32;

/** A box of the picture: a layer, or an input or output of the graph. */
interface Node {
  title: string;
  lines: [string, string][];
  layer: number | undefined;
}

/**
 * A model's report as one page that needs nothing beside it: its graph as a picture to pan and zoom, boxes coloured by
 * time, cost or size, and all layers as a table. Without scripts the picture is whole and stands still.
 */
export function inspectPage(report: InspectReport): string {
  const title = `${printable(report.source)}, taken apart`;
  const hasTimes = report.layers.some(({ milliseconds }) => milliseconds !== null);
  const measures = Object.entries(MEASURES).filter(([key]) => key !== 'milliseconds' || hasTimes);
  const script = `sha256-${createHash('sha256').update(SCRIPT).digest('base64')}`;
  return `${pageHead({ title, style: STYLE, script })}
<body>
<main>
<h1>${escapeXml(title)}</h1>
<dl>
${summaryRows(report)
  .map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeXml(printable(value))}</dd></div>`)
  .join('\n')}
</dl>
<section aria-label="Graph">
<div class="bar" hidden>
<label>Colour by <select id="measure">${measures.map(([key, { name }]) => `<option value="${key}">${name}</option>`).join('')}</select></label>
<label>Find <input id="find" type="search" placeholder="layer or operator" autocomplete="off"></label>
<span class="buttons"><button type="button" id="out" aria-label="Zoom out">&minus;</button><button type="button" id="in" aria-label="Zoom in">+</button><button type="button" id="whole">Whole</button></span>
<output id="found"></output>
</div>
${picture(report, measures[0]![0] as keyof typeof MEASURES)}
<p id="chosen" role="status" class="muted">Drag to move, scroll or pinch to zoom; with the keyboard arrows, + and -. A click on a box says all of it.</p>
</section>
${layerTable(report, hasTimes)}
${hasTimes ? operatorTable(report) : ''}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function picture(report: InspectReport, first: keyof typeof MEASURES): string {
  const { nodes, edges } = graphOf(report);
  const layout = layOutGraph(
    nodes.map(({ layer }) => (layer === undefined ? END : BOX)),
    edges,
  );
  const heats = heatsOf(report);
  const boxes = nodes.map((node, i) => {
    const [x, y] = layout.boxes[i]!;
    const { width, height } = node.layer === undefined ? END : BOX;
    const { layer } = node;
    const data =
      layer === undefined
        ? ' class="end"'
        : ` class="box" data-layer="${layer}" style="--heat:${heats[first]![layer]}" ${Object.entries(heats)
            .map(([key, values]) => `data-${key}="${values[layer]}"`)
            .join(' ')}`;
    const texts = node.lines.map(
      ([left, right], line) =>
        `<text x="10" y="${19 + 19 * line}"${line === 0 ? ' class="op"' : ''}>${escapeXml(left)}</text>` +
        (right === ''
          ? ''
          : `<text x="${width - 10}" y="${19 + 19 * line}" class="right">${escapeXml(right)}</text>`),
    );
    const at = `translate(${round(x - width / 2)} ${round(y)})`;
    return `<g${data} transform="${at}"><title>${escapeXml(node.title)}</title><rect width="${width}" height="${height}" rx="7"/>${texts.join('')}</g>`;
  });
  const paths = layout.edges.map((points) => `<path d="${curve(points)}"/>`);
  const width = round(layout.width + 2 * MARGIN);
  const height = round(layout.height + 2 * MARGIN);
  return `<svg id="graph" viewBox="0 0 ${width} ${height}" preserveAspectRatio="xMidYMin meet" tabindex="0" role="img" aria-label="The graph of the model, ${report.layers.length} layers; the table below has them all">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
<g id="scene" data-width="${width}" data-height="${height}"><g transform="translate(${MARGIN} ${MARGIN})">
<g class="edges">${paths.join('')}</g>
${boxes.join('\n')}
</g></g>
</svg>`;
}

/** The boxes in an order in which each comes after what it reads, and what is read by which. */
function graphOf({ layers, inputs, outputs, triedInputs, batch }: InspectReport): {
  nodes: Node[];
  edges: [number, number][];
} {
  const made = new Map<string, number>();
  const edges = new Map<string, [number, number]>();
  const read = (names: readonly string[], by: number): void => {
    for (const name of names) {
      const from = made.get(name);
      if (from !== undefined) edges.set(`${from} ${by}`, [from, by]);
    }
  };
  const end = (name: string, what: string, text: string): Node => ({
    title: `${what} ${printable(name)}\n${text}`,
    lines: [
      [what, ''],
      [cut(name), text],
    ],
    layer: undefined,
  });
  const nodes = inputs.map(({ name }, i) => {
    made.set(name, i);
    return end(name, 'input', formatDims(triedInputs[i]!.dims));
  });
  layers.forEach((layer, i) => {
    const index = nodes.length;
    nodes.push({ title: describe(layer, batch), lines: boxLines(layer, batch), layer: i });
    read(layer.inputs, index);
    for (const name of layer.outputs) made.set(name, index);
  });
  for (const { name, dtype } of outputs) {
    nodes.push(end(name, 'output', dtype));
    read([name], nodes.length - 1);
  }
  return { nodes, edges: [...edges.values()] };
}

function boxLines(
  { name, op, shape, parameters, macs, milliseconds }: LayerReport,
  batch: number,
): [string, string][] {
  return [
    [cut(op), milliseconds === null ? '' : `${milliseconds.toFixed(3)} ms`],
    [cut(name), ''],
    [
      shape === null ? '?' : formatDims(shape),
      macs ? `${formatCount(macs / batch)} MACs` : parameters > 0 ? `${formatCount(parameters)} values` : '',
    ],
  ];
}

function describe(layer: LayerReport, batch: number): string {
  const { name, op, shape, parameters, parameterBytes, macs, milliseconds } = layer;
  return [
    `${printable(op)} ${printable(name)}`,
    `output ${shape === null ? 'of a shape that is not known' : formatDims(shape)}`,
    ...(parameters > 0
      ? [`${parameters.toLocaleString('en')} parameters, ${formatBytes(parameterBytes)}`]
      : []),
    macs === null
      ? 'multiply-accumulates not known'
      : `${formatCount(macs / batch)} multiply-accumulates an image`,
    ...(milliseconds === null
      ? []
      : [`${milliseconds.toFixed(3)} ms for ${batch === 1 ? 'an image' : `${batch} images`}`]),
  ].join('\n');
}

/** How much of the largest each layer has of each measure, as its root: of few large ones the others would be nothing. */
function heatsOf({ layers }: InspectReport): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(MEASURES).map(([key, { of }]) => {
      const values = layers.map(of);
      const most = values.reduce((max, value) => Math.max(max, value), 0);
      return [key, values.map((value) => (most === 0 ? 0 : Number(Math.sqrt(value / most).toFixed(3))))];
    }),
  );
}

function sizeOfShape(shape: LayerReport['shape']): number | undefined {
  if (shape === null || shape.some((dim) => typeof dim !== 'number')) return undefined;
  return shape.reduce<number>((product, dim) => product * Number(dim), 1);
}

function cut(text: string): string {
  return shorten(printable(text), NAME_LENGTH);
}

function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  let [x, y] = first!;
  const parts = [`M${round(x)} ${round(y)}`];
  for (const [toX, toY] of rest) {
    const middle = round((y + toY) / 2);
    parts.push(
      toX === x
        ? `V${round(toY)}`
        : `C${round(x)} ${middle} ${round(toX)} ${middle} ${round(toX)} ${round(toY)}`,
    );
    [x, y] = [toX, toY];
  }
  return parts.join('');
}

function layerTable({ layers, batch }: InspectReport, hasTimes: boolean): string {
  const rows = layers.map(({ name, op, shape, parameters, parameterBytes, macs, milliseconds }, i) => {
    const cells = [
      parameters === 0 ? '' : parameters.toLocaleString('en'),
      parameters === 0 ? '' : formatBytes(parameterBytes),
      macs === null ? '?' : macs === 0 ? '' : formatCount(macs / batch),
      ...(hasTimes ? [milliseconds === null ? '' : milliseconds.toFixed(3)] : []),
    ];
    return `<tr id="layer-${i}"><th scope="row">${escapeXml(printable(name))}</th><td>${escapeXml(printable(op))}</td><td>${shape === null ? '?' : escapeXml(formatDims(shape))}</td>${cells.map((cell) => `<td class="n">${cell}</td>`).join('')}</tr>`;
  });
  const numbers = ['parameters', 'size', 'MACs/image', ...(hasTimes ? ['ms'] : [])];
  return table(
    'Layers',
    `<th scope="col">layer</th><th scope="col">operator</th><th scope="col">output</th>${numbers.map((name) => `<th scope="col" class="n">${name}</th>`).join('')}`,
    rows,
  );
}

function operatorTable({ timeByOperator }: InspectReport): string {
  const rows = timeByOperator.map(
    ({ op, nodes, milliseconds }) =>
      `<tr><th scope="row">${escapeXml(printable(op))}</th><td class="n">${nodes}</td><td class="n">${milliseconds.toFixed(3)}</td></tr>`,
  );
  return table(
    'Time by operator, as onnxruntime runs the graph after fusing',
    '<th scope="col">operator</th><th scope="col" class="n">nodes</th><th scope="col" class="n">ms</th>',
    rows,
  );
}

/** A wide table scrolls by itself; it can be focused so that the keyboard can scroll it. */
function table(caption: string, head: string, rows: readonly string[]): string {
  return `<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>`;
}

const STYLE = `
:root{color-scheme:light dark;--ground:#f3f5f7;--panel:${LIGHT.background};--text:${LIGHT.text};--muted:${LIGHT.muted};--line:${LIGHT.grid};--edge:#8b95a1;--hot:#ff9d4d;--focus:${LIGHT.series[0]}}
@media (prefers-color-scheme:dark){:root{--ground:#0c0e11;--panel:${DARK.background};--text:${DARK.text};--muted:${DARK.muted};--line:${DARK.grid};--edge:#6b7683;--hot:#a8480c;--focus:${DARK.series[0]}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
main{max-width:1800px;margin:0 auto;padding:20px 16px 48px}
h1{font-size:20px;margin:0 0 12px;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:2px 24px;margin:0 0 16px}
dl div{display:flex;gap:10px;min-width:0}dt{color:var(--muted);flex:0 0 92px}dd{margin:0;min-width:0;overflow-wrap:anywhere}
.muted{color:var(--muted)}
section{margin:0 0 16px}
.bar{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;margin:0 0 8px}
.bar[hidden]{display:none}
button,select,input{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--muted);border-radius:6px;padding:4px 10px;min-height:36px}
input{width:12em;max-width:60vw}
button{min-width:36px;cursor:pointer}.buttons{display:flex;gap:6px}
#graph{display:block;width:100%;height:75vh;min-height:320px;background:var(--panel);border:1px solid var(--line);border-radius:8px}
#graph.moves{touch-action:none;cursor:grab;user-select:none;-webkit-user-select:none}
#graph.moves:active{cursor:grabbing}
#graph text{fill:var(--text);font-size:13px}#graph .op{font-weight:650}#graph .right{text-anchor:end}
#graph rect{fill:var(--panel);stroke:var(--muted)}
#graph .box rect{fill:color-mix(in srgb,var(--hot) calc(var(--heat)*100%),var(--panel))}
#graph .end rect{stroke-dasharray:4 3}
#graph .chosen rect{stroke:var(--focus);stroke-width:3}
.edges path{fill:none;stroke:var(--edge);stroke-width:1.3;marker-end:url(#tip)}#tip path{fill:var(--edge)}
#chosen{white-space:pre-line;min-height:3em;margin:8px 0}
.scroll{overflow-x:auto;margin:0 0 16px;padding:12px 16px;background:var(--panel);border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding-bottom:6px}
th,td{padding:3px 18px 3px 0;text-align:left;white-space:nowrap;border-top:1px solid var(--line)}
th[scope=row]{font-weight:400}
thead th{border-top:0;color:var(--muted);font-weight:600}
.n{text-align:right}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px}
`;

/** Moves and zooms the picture, colours its boxes, and finds them. */
const SCRIPT = `
'use strict';
const svg = document.getElementById('graph');
const scene = document.getElementById('scene');
const boxes = [...svg.querySelectorAll('.box')];
const size = { width: Number(scene.dataset.width), height: Number(scene.dataset.height) };
document.querySelector('.bar').hidden = false;
svg.classList.add('moves');
svg.removeAttribute('viewBox');
let view = { x: 0, y: 0, scale: 1 };
const show = () => scene.setAttribute('transform', 'translate(' + view.x + ' ' + view.y + ') scale(' + view.scale + ')');
const fitting = () => Math.min(svg.clientWidth / size.width, svg.clientHeight / size.height);
function begin(scale) {
  view = { scale, x: (svg.clientWidth - size.width * scale) / 2, y: Math.max(0, (svg.clientHeight - size.height * scale) / 2) };
  show();
}
function zoom(factor, x = svg.clientWidth / 2, y = svg.clientHeight / 2) {
  const scale = Math.max(Math.min(fitting() / 2, 0.2), Math.min(4, view.scale * factor));
  view = { scale, x: x - (x - view.x) * scale / view.scale, y: y - (y - view.y) * scale / view.scale };
  show();
}
// From the input on, where its text can be read.
begin(Math.max(Math.min(1, svg.clientWidth / size.width), Math.min(0.7, fitting() * 8)));
if (size.height * view.scale > svg.clientHeight) {
  const first = svg.querySelector('.end').transform.baseVal.consolidate().matrix;
  view.x = svg.clientWidth / 2 - (first.e + ${END.width / 2 + MARGIN}) * view.scale;
  view.y = 0;
  show();
}
const fingers = new Map();
let moved = 0;
const middle = () => {
  const list = [...fingers.values()];
  const x = list.reduce((sum, at) => sum + at.x, 0) / list.length;
  const y = list.reduce((sum, at) => sum + at.y, 0) / list.length;
  return { x, y, spread: list.length < 2 ? 0 : Math.hypot(list[0].x - list[1].x, list[0].y - list[1].y) };
};
const at = (event) => {
  const box = svg.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};
svg.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  if (fingers.size === 0) moved = 0;
  fingers.set(event.pointerId, at(event));
});
svg.addEventListener('pointermove', (event) => {
  if (!fingers.has(event.pointerId)) return;
  const before = middle();
  fingers.set(event.pointerId, at(event));
  const now = middle();
  moved += Math.hypot(now.x - before.x, now.y - before.y) + Math.abs(now.spread - before.spread);
  // Only now: a click must find its box.
  if (moved > 4 && !svg.hasPointerCapture(event.pointerId)) svg.setPointerCapture(event.pointerId);
  view.x += now.x - before.x;
  view.y += now.y - before.y;
  show();
  if (before.spread > 0 && now.spread > 0) zoom(now.spread / before.spread, now.x, now.y);
});
for (const type of ['pointerup', 'pointercancel', 'pointerleave'])
  svg.addEventListener(type, (event) => {
    if (type !== 'pointerleave' || !svg.hasPointerCapture(event.pointerId)) fingers.delete(event.pointerId);
  });
svg.addEventListener('wheel', (event) => {
  event.preventDefault();
  const { x, y } = at(event);
  zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), x, y);
}, { passive: false });
svg.addEventListener('keydown', (event) => {
  const step = 80;
  const keys = {
    ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step],
    PageUp: [0, svg.clientHeight * 0.8], PageDown: [0, -svg.clientHeight * 0.8],
  };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (keys[event.key]) { view.x += keys[event.key][0]; view.y += keys[event.key][1]; show(); }
  else if (event.key === '+' || event.key === '=') zoom(1.3);
  else if (event.key === '-') zoom(1 / 1.3);
  else if (event.key === '0') begin(fitting());
  else return;
  event.preventDefault();
});
document.getElementById('in').addEventListener('click', () => zoom(1.3));
document.getElementById('out').addEventListener('click', () => zoom(1 / 1.3));
document.getElementById('whole').addEventListener('click', () => begin(fitting()));
const measure = document.getElementById('measure');
const colour = () => { for (const box of boxes) box.style.setProperty('--heat', box.dataset[measure.value]); };
measure.addEventListener('change', colour);
colour();
const chosen = document.getElementById('chosen');
function choose(box) {
  for (const other of svg.querySelectorAll('.chosen')) other.classList.remove('chosen');
  box.classList.add('chosen');
  chosen.textContent = box.querySelector('title').textContent;
}
svg.addEventListener('click', (event) => {
  const box = event.target.closest('#graph g[transform] > rect, #graph g[transform] > text')?.parentElement;
  if (box && moved <= 4) choose(box);
});
const find = document.getElementById('find');
const found = document.getElementById('found');
let match = -1;
function look(again) {
  const text = find.value.trim().toLowerCase();
  const all = text === '' ? [] : boxes.filter((box) => box.querySelector('title').textContent.split('\\n')[0].toLowerCase().includes(text));
  match = again ? match + 1 : 0;
  found.textContent = text === '' ? '' : all.length === 0 ? 'none' : (match % all.length + 1) + ' of ' + all.length;
  if (all.length === 0) return;
  const box = all[match % all.length];
  choose(box);
  const scale = Math.max(view.scale, 0.8);
  const own = box.getBBox();
  const place = box.transform.baseVal.consolidate().matrix;
  view = {
    scale,
    x: svg.clientWidth / 2 - (place.e + own.width / 2 + ${MARGIN}) * scale,
    y: svg.clientHeight / 2 - (place.f + own.height / 2 + ${MARGIN}) * scale,
  };
  show();
}
find.addEventListener('input', () => look(false));
find.addEventListener('keydown', (event) => { if (event.key === 'Enter') look(true); });
`;
