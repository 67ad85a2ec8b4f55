import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServer } from '../../serve/server.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const PROGRAM = process.env.SCHEMATHESIS ?? 'schemathesis';
const isThere = spawnSync(PROGRAM, ['--version']).status === 0;

/** No schema can say which strings are pictures, or that a tensor has as many values as its shape says. */
const CONFIG = `[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "404", "413", "415", "422", "503"]
`;

test('what the OpenAPI document says holds for whatever is sent', {
  skip: !isThere && `there is no ${PROGRAM}; pip install schemathesis, or SCHEMATHESIS says where it is`,
}, async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'schemathesis.toml'), CONFIG);
  const { path } = await writeTestModel(folder);
  const server = await startServer({ model: path, port: 0, inference: { threads: 1 }, demoDirectory: false });
  try {
    const child = spawn(
      PROGRAM,
      [
        'run',
        `${server.url}/openapi.json`,
        '--max-examples',
        '5',
        '--no-color',
        '--phases',
        'examples,coverage,fuzzing',
      ],
      { cwd: folder },
    );
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 0, output.slice(-6000));
  } finally {
    await server.close();
  }
});
