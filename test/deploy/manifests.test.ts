import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it, test } from 'node:test';
import { assertServeOptions } from './assert-serve-options.ts';
import { skipWithout, validateManifests } from './linters.ts';
import { readManifests, renderManifests } from './manifest-files.ts';

describe('the schemas of Kubernetes', { skip: skipWithout('kubernetes-validate') }, () => {
  const name = 'onnx-classifier';

  it('allow every manifest, of the oldest and the newest Kubernetes that they are for', async () => {
    const manifests = await renderManifests();
    for (const version of ['1.27', undefined]) {
      const { passed, errors } = validateManifests(manifests, version);
      assert.deepEqual(errors, []);
      assert.deepEqual(passed.sort(), [
        `deployment/${name}`,
        `horizontalpodautoscaler/${name}`,
        `persistentvolumeclaim/${name}-models`,
        `poddisruptionbudget/${name}`,
        `service/${name}`,
      ]);
    }
  });

  it('refuse misspelled fields, wrong types, missing fields and unknown kinds', async () => {
    const manifests = await renderManifests();
    const mistakes: [string, string, RegExp][] = [
      ['readOnlyRootFilesystem', 'readOnlyRootFileSystem', /deployment.*readOnlyRootFileSystem/],
      ['averageUtilization: 75', 'averageUtilization: most', /horizontalpodautoscaler.*averageUtilization/],
      ['containerPort: 8080', 'hostPort: 8080', /deployment.*'containerPort' is a required property/],
      ['kind: PodDisruptionBudget', 'kind: PodDisruptionsBudget', /kind PodDisruptionsBudget/],
      ['apiVersion: autoscaling/v2', 'apiVersion: autoscaling/v2beta2', /version autoscaling\/v2beta2/],
    ];
    const wrong = mistakes.map(([from, to]) => manifests.replace(from, to)).join('---\n');
    const { passed, errors } = validateManifests(wrong);
    assert.equal(passed.length, 4 * mistakes.length);
    assert.equal(errors.length, mistakes.length);
    for (const [i, [, , said]] of mistakes.entries()) assert.match(errors[i]!, said);
  });
});

test('the kustomization lists all manifests', async () => {
  const all = await readManifests();
  const listed = all.get('kustomization.yaml')!.resources!;
  assert.deepEqual(listed.toSorted(), [...all.keys()].filter((file) => file !== 'kustomization.yaml').sort());
});

test('what the manifests name exists: ports, claims, labels, probes and options of the server', async () => {
  const all = await readManifests();
  const deployment = all.get('deployment.yaml')!;
  const { template, selector } = deployment.spec;
  const [container] = template.spec.containers;
  assert.deepEqual(template.metadata.labels, selector.matchLabels);
  assert.deepEqual(template.spec.topologySpreadConstraints[0].labelSelector, selector);
  assert.deepEqual(all.get('service.yaml')!.spec.selector, selector.matchLabels);
  assert.deepEqual(all.get('disruption-budget.yaml')!.spec.selector.matchLabels, selector.matchLabels);
  assert.equal(all.get('autoscaler.yaml')!.spec.scaleTargetRef.name, deployment.metadata!.name);
  const ports = container.ports.map(({ name }: { name: string }) => name);
  assert.ok(ports.includes(all.get('service.yaml')!.spec.ports[0].targetPort));
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const { path, port } = container[probe].httpGet;
    assert.ok(ports.includes(port));
    assert.match(path, /^\/v2\/health\/(live|ready)$/);
  }
  const volumes = new Map(template.spec.volumes.map((volume: { name: string }) => [volume.name, volume]));
  for (const mount of container.volumeMounts) assert.ok(volumes.has(mount.name), mount.name);
  const { claimName } = template.spec.volumes[0].persistentVolumeClaim;
  assert.equal(all.get('models.yaml')!.metadata!.name, claimName);
  assertServeOptions(container.args);
});

test('servers stop without losing requests, and are counted by the autoscaler alone', async () => {
  const all = await readManifests();
  const { replicas, template } = all.get('deployment.yaml')!.spec;
  assert.equal(replicas, undefined);
  const [{ args, readinessProbe: probe, resources }] = template.spec.containers;
  // The autoscaler's target is a share of what is requested.
  assert.ok(resources.requests.cpu);
  const drain = Number(args[args.indexOf('--drain-seconds') + 1]);
  assert.ok(template.spec.terminationGracePeriodSeconds >= drain + 30);
  assert.ok(probe.periodSeconds * probe.failureThreshold < drain, 'load balancers learn of it in time');
});

test('the server has no rights, writes to /tmp only, and runs the image of this version', async () => {
  const { spec } = (await readManifests()).get('deployment.yaml')!.spec.template;
  const [{ image, securityContext, volumeMounts }] = spec.containers;
  // What the pod security standard "restricted" asks for.
  assert.equal(spec.securityContext.runAsNonRoot, true);
  assert.deepEqual(spec.securityContext.seccompProfile, { type: 'RuntimeDefault' });
  assert.deepEqual(securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const writable = volumeMounts.filter((mount: { readOnly?: boolean }) => !mount.readOnly);
  assert.deepEqual(
    writable.map(({ mountPath }: { mountPath: string }) => mountPath),
    ['/tmp'],
  );
  assert.ok(spec.volumes.find((volume: { name: string }) => volume.name === writable[0].name).emptyDir);
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal(image, `onnx-classifier:${version}`);
});
