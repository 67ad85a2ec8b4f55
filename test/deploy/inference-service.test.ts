import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { writeTarget } from '../../export/targets/write-target.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { skipWithout, validateManifests } from './linters.ts';

const MODEL = fileURLToPath(new URL('../../models/resnet14t.onnx', import.meta.url));

/**
 * The Pod that KServe's controller makes of an InferenceService: the predictor is a Pod's spec and the model one of
 * its containers, each with fields of KServe's own. Those are held against KServe's schema in test/targets.
 */
// biome-ignore lint/suspicious/noExplicitAny: manifests have many shapes.
function podOf({ metadata, spec }: any): string {
  const { minReplicas, maxReplicas, model, ...pod } = spec.predictor;
  const { modelFormat, protocolVersion, runtime, storageUri, ...container } = model;
  const containers = [{ name: 'kserve-container', ...container }];
  return stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...pod, containers } });
}

describe('--target kserve', { skip: skipWithout('kubernetes-validate') }, () => {
  it("asks Kubernetes for what Kubernetes' schemas allow", async () => {
    const out = await temporaryFolder();
    await writeTarget('kserve', { model: MODEL, out, storageUri: 's3://bucket/models' });
    const text = await readFile(join(out, 'inference-service.yaml'), 'utf8');
    // InferenceService itself is none of Kubernetes' kinds.
    assert.match(validateManifests(text).errors.join('\n'), /^WARN .* schema for kind InferenceService/);
    const service = parse(text);
    assert.deepEqual(validateManifests(podOf(service)), { passed: ['pod/resnet14t'], errors: [] });

    const { model } = service.spec.predictor;
    model.resources.limit = model.resources.limits;
    assert.match(validateManifests(podOf(service)).errors.join('\n'), /resources.*'limit' was unexpected/);
    delete model.resources.limit;
    service.spec.predictor.tolerations = { key: 'gpu' };
    assert.match(validateManifests(podOf(service)).errors.join('\n'), /tolerations/);
  });
});
