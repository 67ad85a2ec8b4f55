import assert from 'node:assert/strict';

/** The tables of a Markdown document, each as its rows without the rule; fails if one is malformed. */
export function readTables(lines: readonly string[]): string[][][] {
  const tables: string[][][] = [];
  let table: string[][] | undefined;
  for (const line of lines) {
    if (!line.startsWith('|')) {
      table = undefined;
      continue;
    }
    assert.match(line, /^\| .* \|$/);
    const cells = line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
    if (!table) {
      table = [];
      tables.push(table);
    }
    assert.equal(cells.length, table[0]?.length ?? cells.length, line);
    table.push(cells);
  }
  return tables.map(([head, rule, ...rows]) => {
    for (const cell of rule!) assert.match(cell, /^-{2,}[-:]$/);
    return [head!, ...rows];
  });
}
