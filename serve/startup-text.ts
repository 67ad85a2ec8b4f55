import { displayPath } from './model-file.ts';
import type { RunningServer } from './server.ts';

/** What a started server says on the terminal: a line for each model, and the address. */
export function startupText({ registry, url, hasDemo }: RunningServer): string {
  const models = registry.all().map(({ name, version, served: { metadata, path } }) => {
    const accuracy = metadata.accuracy ? `, top-1 ${(metadata.accuracy.top1 * 100).toFixed(2)}%` : '';
    return `model    ${name}@${version} (${metadata.dataset}, ${metadata.labels.length} classes${accuracy}) from ${displayPath(path)}\n`;
  });
  return `${models.join('')}serving  ${url} (${hasDemo ? 'demo page at /, ' : ''}API at /docs)\n`;
}
