import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { UserError } from '../../core/errors.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { readModelBytes } from '../../core/onnx/read-model-bytes.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';

const { onnx } = onnxProto;
const FLOAT = onnx.TensorProto.DataType.FLOAT;

const root = mkdtempSync(join(tmpdir(), 'external-'));
after(() => rmSync(root, { recursive: true, force: true }));
const folder = join(root, 'model');
mkdirSync(join(folder, 'sub'), { recursive: true });
const floats = Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7);
const data = new Uint8Array(floats.buffer);
for (const path of [
  join(folder, 'weights.bin'),
  join(folder, 'sub', 'weights.bin'),
  join(root, 'secret.bin'),
]) {
  writeFileSync(path, data);
}
symlinkSync(join(root, 'secret.bin'), join(folder, 'link.bin'));
symlinkSync(root, join(folder, 'up'));
symlinkSync(join(folder, 'weights.bin'), join(folder, 'own-link.bin'));

/** A model of one Gemm, its weight stored as `external` says. */
function write(external: Record<string, string>, dims: number[] = [4, 2]): string {
  const value = (name: string): Onnx.IValueInfoProto => ({ name, type: { tensorType: { elemType: FLOAT } } });
  const weight: Onnx.ITensorProto = {
    name: 'fc.weight',
    dataType: FLOAT,
    dims,
    dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
    externalData: Object.entries(external).map(([key, text]) => ({ key, value: text })),
  };
  const graph: Onnx.IGraphProto = {
    input: [value('x')],
    output: [value('y')],
    node: [{ opType: 'Gemm', input: ['x', 'fc.weight'], output: ['y'] }],
    initializer: [weight],
  };
  const path = join(folder, 'model.onnx');
  writeFileSync(path, onnx.ModelProto.encode(onnx.ModelProto.fromObject({ irVersion: 8, graph })).finish());
  return path;
}

async function weightOf(path: string): Promise<number[]> {
  const { graph } = decodeModel(await readModelBytes(path, 'm.onnx'));
  return [...(graph.initializers.get('fc.weight')!.data as Float32Array)];
}

describe('external data', () => {
  it("is read from the model's folder, at its offset", async () => {
    assert.deepEqual(await weightOf(write({ location: 'weights.bin' })), [...floats]);
    assert.deepEqual(await weightOf(write({ location: 'sub/weights.bin', offset: '0', length: '32' })), [
      ...floats,
    ]);
    assert.deepEqual(await weightOf(write({ location: 'sub\\weights.bin', offset: '8' }, [2])), [2, 3]);
    assert.deepEqual(
      await weightOf(write({ location: './own-link.bin', offset: '4', length: '4' }, [1])),
      [1],
    );
  });

  it('is read with weights too', async () => {
    const { tensors } = await loadWeights(write({ location: 'weights.bin' }));
    assert.deepEqual([...tensors.get('fc.weight')!.data], [...floats]);
  });

  const refused: [string, Record<string, string>, RegExp][] = [
    ['a path upwards', { location: '../secret.bin' }, /not in the model's folder/],
    ['a path upwards within', { location: 'sub/../../secret.bin' }, /not in the model's folder/],
    ['a path upwards of Windows', { location: '..\\secret.bin' }, /not in the model's folder/],
    ['an absolute path', { location: join(root, 'secret.bin') }, /not in the model's folder/],
    ['a device', { location: '/dev/zero' }, /not in the model's folder/],
    ['no path', {}, /not in the model's folder/],
    ['an empty path', { location: '' }, /not in the model's folder/],
    ['a zero byte', { location: 'weights.bin\0.txt' }, /not in the model's folder/],
    ['a link out of the folder', { location: 'link.bin' }, /a link out of the model's folder/],
    ['a linked folder', { location: 'up/secret.bin' }, /a link out of the model's folder/],
    ['a folder', { location: 'sub' }, /is no file/],
    ['a missing file', { location: 'none.bin' }, /"none.bin", is missing; it must lie beside the model/],
    [
      'more than the file has',
      { location: 'weights.bin', offset: '4' },
      /needs bytes 4 to 36 of "weights.bin", which has 32/,
    ],
    ['an offset beyond it', { location: 'weights.bin', offset: '999999999999999' }, /which has 32/],
    ['a negative offset', { location: 'weights.bin', offset: '-4' }, /offset "-4" is no size/],
    ['a length that is none', { location: 'weights.bin', length: '1e3' }, /length "1e3" is no size/],
    [
      'a length of another shape',
      { location: 'weights.bin', length: '16' },
      /has 16 bytes of external data, its shape \[4,2\] needs 32/,
    ],
  ];
  for (const [what, external, message] of refused) {
    it(`is refused: ${what}`, async () => {
      await assert.rejects(readModelBytes(write(external), 'm.onnx'), (error: Error) => {
        assert.ok(error instanceof UserError, error.stack);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /[\p{Cc}]/u);
        return true;
      });
    });
  }

  it('is refused where it is more than a model can hold', async () => {
    const path = write({ location: 'weights.bin' }, [2 ** 15, 2 ** 15]);
    await assert.rejects(readModelBytes(path, 'm.onnx'), /more than 2 GB/);
  });
});

it('a folder or a missing file is no model', async () => {
  await assert.rejects(readModelBytes(folder, 'm.onnx'), /m.onnx cannot be read: it is not a file/);
  await assert.rejects(readModelBytes(join(folder, 'none.onnx'), 'm.onnx'), /ENOENT/);
});
