import { printable } from '../core/cli/printable.ts';
import { displayPath } from './model-file.ts';
import type { RunningServer } from './server.ts';

/** What a started server says on the terminal: a line for each model, what cannot be used, and the address. */
export function startupText({ registry, url, hasDemo }: RunningServer): string {
  const models = registry.all().map(({ name, version, served: { metadata, path, notes } }) => {
    const accuracy = metadata.accuracy ? `, top-1 ${(metadata.accuracy.top1 * 100).toFixed(2)}%` : '';
    const lines = [
      `model    ${name}@${version} (${metadata.dataset}, ${metadata.labels.length} classes${accuracy}) from ${displayPath(path)}`,
      ...notes.map((note) => `note     ${name}@${version}: ${note}`),
    ];
    return lines.map((line) => `${printable(line)}\n`).join('');
  });
  const unusable = registry
    .status()
    .filter(({ reason }) => reason !== '')
    .map(({ name, version, reason }) => `unusable ${name}@${version}: ${printable(reason)}\n`);
  return `${models.join('')}${unusable.join('')}serving  ${url} (${hasDemo ? 'demo page at /, ' : ''}API at /docs)\n`;
}
