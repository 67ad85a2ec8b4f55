import { printable } from '../core/cli/printable.ts';
import { displayPath } from './model-file.ts';
import type { RunningServer } from './server.ts';

/** What a started server says on the terminal: a line for each model and each thing to know of it, and the address. */
export function startupText({ registry, url, hasDemo }: RunningServer): string {
  const models = registry.all().map(({ name, version, served: { metadata, path, notes } }) => {
    const accuracy = metadata.accuracy ? `, top-1 ${(metadata.accuracy.top1 * 100).toFixed(2)}%` : '';
    const lines = notes.map((note) => `note     ${name}@${version}: ${printable(note)}\n`);
    return `model    ${name}@${version} (${metadata.dataset}, ${metadata.labels.length} classes${accuracy}) from ${displayPath(path)}\n${lines.join('')}`;
  });
  return `${models.join('')}serving  ${url} (${hasDemo ? 'demo page at /, ' : ''}API at /docs)\n`;
}
