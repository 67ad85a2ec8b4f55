import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { formatTextProto } from '../../export/targets/text-proto.ts';
import { tritonConfig } from '../../export/targets/triton-config.ts';
import { serviceName, writeTarget } from '../../export/targets/write-target.ts';
import { foreignFolder } from '../foreign/support.ts';
import { bySchema, readTextProto, type SchemaNode } from './read-text-proto.ts';

const folder = mkdtempSync(join(tmpdir(), 'targets-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const MODEL = fileURLToPath(new URL('../../models/resnet14t.onnx', import.meta.url));

type Schema = SchemaNode & { definitions: Record<string, SchemaNode> };
const schema = (name: string): Schema =>
  JSON.parse(readFileSync(new URL(`../fixtures/targets/${name}.schema.json`, import.meta.url), 'utf8'));
const TRITON = schema('triton-model-config');
const KSERVE = schema('inference-service');

/** Fails unless a value is what a published schema allows: fields, enums, types. */
function conforms(value: unknown, to: Schema): void {
  const validate = new Ajv({ strict: false }).compile(to);
  assert.ok(validate(value), JSON.stringify(validate.errors));
}

function readConfig(path: string): Record<string, unknown> {
  return bySchema(readTextProto(readFileSync(path, 'utf8')), TRITON, TRITON.definitions);
}

const EXPECTED = {
  name: 'resnet14t',
  backend: 'onnxruntime',
  max_batch_size: 64,
  input: [{ name: 'input', data_type: 'TYPE_FP32', format: 'FORMAT_NCHW', dims: [3, 32, 32] }],
  output: [{ name: 'logits', data_type: 'TYPE_FP32', dims: [100], label_filename: 'labels.txt' }],
  instance_group: [{ kind: 'KIND_AUTO', count: 1 }],
  dynamic_batching: { max_queue_delay_microseconds: 1000 },
};

describe('--target triton', () => {
  const out = join(folder, 'triton');

  it('writes a model repository that keeps to the published schema', async () => {
    const files = await writeTarget('triton', { model: MODEL, out });
    assert.deepEqual(
      files.map((file) => file.slice(out.length + 1)),
      ['resnet14t/1/model.onnx', 'resnet14t/labels.txt', 'resnet14t/config.pbtxt'],
    );
    const config = readConfig(join(out, 'resnet14t', 'config.pbtxt'));
    assert.deepEqual(config, EXPECTED);
    conforms(config, TRITON);
    assert.deepEqual(readFileSync(files[0]!), readFileSync(MODEL));
    const labels = readFileSync(files[1]!, 'utf8').trimEnd().split('\n');
    assert.deepEqual([labels.length, labels[0]], [100, 'apple']);
  });

  it('which the schema notices mistakes in', () => {
    assert.throws(() => conforms({ ...EXPECTED, max_batch: 1 }, TRITON), /max_batch/);
    assert.throws(() => conforms({ ...EXPECTED, output: [{ data_type: 'FP32' }] }, TRITON), /enum/);
    assert.throws(() => conforms({ ...EXPECTED, max_batch_size: 'many' }, TRITON), /integer/);
  });

  it("and Triton's own parser reads", async (t) => {
    await writeTarget('triton', { model: MODEL, out });
    const input = readFileSync(join(out, 'resnet14t', 'config.pbtxt'));
    const script = fileURLToPath(new URL('parse-pbtxt.py', import.meta.url));
    const { status, stdout, stderr, error } = spawnSync(process.env.PYTHON ?? 'python3', [script], {
      input,
      encoding: 'utf8',
    });
    if (error || status === 3)
      return t.skip('needs Python with protobuf and tritonclient (pip; PYTHON says which)');
    assert.equal(status, 0, stderr);
    const {
      input: [image],
      ...rest
    } = JSON.parse(stdout);
    // int64 is a string in JSON.
    assert.deepEqual(image.dims, ['3', '32', '32']);
    assert.equal(rest.dynamic_batching.max_queue_delay_microseconds, '1000');
    assert.equal(rest.backend, 'onnxruntime');
  });

  it('takes models of other programs, adapted and in one file', async () => {
    const foreign = foreignFolder();
    await writeTarget('triton', {
      model: join(foreign, 'dynamo.onnx'),
      maxBatch: 8,
      queueDelayMicroseconds: 0,
    });
    const config = readConfig(join(foreign, 'dynamo-triton', 'dynamo', 'config.pbtxt'));
    conforms(config, TRITON);
    assert.equal(config.max_batch_size, 8);
    assert.deepEqual(config.input, [
      { name: 'input', data_type: 'TYPE_FP32', format: 'FORMAT_NCHW', dims: [3, 32, 32] },
    ]);
  });

  it('takes exports that prepare images themselves', async () => {
    const { graph, metadata } = await loadClassifier(MODEL);
    const props = encodeMetadata({ ...metadata, inputLayout: 'NHWC', preprocessing: 'graph' });
    const path = join(folder, 'whole.onnx');
    writeFileSync(path, encodeModel(graph, props));
    await assert.rejects(loadClassifier(path), /normalises and ranks by itself/);
    assert.equal((await writeTarget('triton', { model: path })).length, 3);
  });

  it('does not batch what takes one number of images only, and labels only scores', () => {
    const graph = {
      name: 'g',
      inputs: [{ name: 'images', dtype: 'uint8' as const, dims: [2, 8, 8, 3] }],
      outputs: [
        { name: 'probabilities', dtype: 'float32' as const, dims: [2, 5] },
        { name: 'indices', dtype: 'int64' as const, dims: [2, 5] },
      ],
      nodes: [],
      initializers: new Map(),
    };
    const text = formatTextProto(
      tritonConfig(graph, {
        name: 'a "b" \\ ü',
        classes: 10,
        labels: 'l.txt',
        maxBatch: 64,
        queueDelayMicroseconds: 1,
      }),
    );
    const config = bySchema(readTextProto(text), TRITON, TRITON.definitions);
    conforms(config, TRITON);
    assert.equal(config.name, 'a "b" \\ ü');
    assert.equal(config.max_batch_size, 0);
    assert.equal(config.dynamic_batching, undefined);
    assert.deepEqual(config.output, [
      { name: 'probabilities', data_type: 'TYPE_FP32', dims: [2, 5] },
      { name: 'indices', data_type: 'TYPE_INT64', dims: [2, 5] },
    ]);
  });
});

describe('--target kserve', () => {
  it('writes an InferenceService that keeps to the published schema, and its model repository', async () => {
    const out = join(folder, 'kserve');
    const files = await writeTarget('kserve', {
      model: MODEL,
      out,
      storageUri: 's3://bucket/model-repository',
    });
    assert.equal(files.length, 4);
    conforms(readConfig(join(out, 'model-repository', 'resnet14t', 'config.pbtxt')), TRITON);
    const service = parse(readFileSync(join(out, 'inference-service.yaml'), 'utf8'));
    conforms(service, KSERVE);
    assert.equal(service.apiVersion, 'serving.kserve.io/v1beta1');
    assert.equal(service.metadata.name, 'resnet14t');
    const { model } = service.spec.predictor;
    assert.deepEqual([model.runtime, model.protocolVersion], ['kserve-tritonserver', 'v2']);
    assert.equal(model.storageUri, 's3://bucket/model-repository');

    model.storageURI = model.storageUri;
    assert.throws(() => conforms(service, KSERVE), /storageURI/);
    delete model.storageURI;
    delete model.modelFormat;
    assert.throws(() => conforms(service, KSERVE), /modelFormat/);
  });

  it('names the service as Kubernetes allows', () => {
    assert.equal(serviceName('se_resnet20'), 'se-resnet20');
    assert.equal(serviceName('3D Net!'), 'model-3d-net');
    assert.equal(serviceName('Ünï'), 'model--n');
    for (const name of ['x'.repeat(80), 'a_'.repeat(20), '___']) {
      assert.match(serviceName(name), /^[a-z]([a-z0-9-]*[a-z0-9])?$/);
      assert.ok(serviceName(name).length <= 46);
    }
  });

  it('refuses what is no address', async () => {
    for (const storageUri of ['models', '/mnt/models', 's3://', 'ftp://host/x', 's3://a b']) {
      await assert.rejects(writeTarget('kserve', { model: MODEL, out: folder, storageUri }), UserError);
    }
  });
});

it('a folder that cannot be written is one clear line', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(
    writeTarget('triton', { model: MODEL, out: file }),
    /cannot write the triton files into/,
  );
});
