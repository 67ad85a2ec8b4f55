/**
 * Classifies every file of a folder into a table: npx tsx examples/04-classify-folder.ts photos/red table.csv [MODEL]
 * Ten thousand pictures take no more memory than a hundred; what is no picture is named and left out.
 */
import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Classifier } from '../index.ts';

const [folder = 'photos', table = 'predictions.csv', model] = process.argv.slice(2);
const files = (await readdir(folder)).sort().map((name) => join(folder, name));
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const classifier = await Classifier.open(model);
const out = createWriteStream(table);
out.write('file,label,probability\n');
try {
  for await (const result of classifier.classifyEach(files, { topK: 1 })) {
    if ('error' in result) {
      console.error(result.error.message);
      continue;
    }
    const [best] = result.predictions;
    out.write(`${quoted(result.image)},${quoted(best!.label)},${best!.probability}\n`);
  }
} finally {
  await classifier.close();
  await finished(out.end());
}
console.log(`${files.length} files, ${table}`);
