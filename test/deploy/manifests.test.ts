import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DockerfileParser, type From, type Instruction } from 'dockerfile-ast';
import { parse, parseAllDocuments } from 'yaml';
import { SERVE_OPTIONS } from '../../serve/options.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const MANIFESTS = join(PROJECT, 'deploy', 'kubernetes');

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata?: { name: string };
  resources?: string[];
  // biome-ignore lint/suspicious/noExplicitAny: manifests have many shapes; the tests look at a few places.
  spec?: any;
}

async function manifests(): Promise<Map<string, Manifest>> {
  const all = new Map<string, Manifest>();
  for (const file of await readdir(MANIFESTS)) {
    const text = await readFile(join(MANIFESTS, file), 'utf8');
    const documents = parseAllDocuments(text, { uniqueKeys: true, strict: true });
    assert.equal(documents.length, 1, file);
    assert.deepEqual([...documents[0]!.errors, ...documents[0]!.warnings], [], file);
    all.set(file, parse(text) as Manifest);
  }
  return all;
}

test('manifests are well-formed, and the kustomization lists all of them', async () => {
  const all = await manifests();
  const versions: Record<string, string> = {
    Deployment: 'apps/v1',
    Service: 'v1',
    PersistentVolumeClaim: 'v1',
    HorizontalPodAutoscaler: 'autoscaling/v2',
    PodDisruptionBudget: 'policy/v1',
    Kustomization: 'kustomize.config.k8s.io/v1beta1',
  };
  for (const [file, { kind, apiVersion, metadata }] of all) {
    assert.equal(apiVersion, versions[kind], file);
    if (kind !== 'Kustomization') assert.match(metadata!.name, /^[a-z][a-z0-9-]{0,62}$/, file);
  }
  const listed = all.get('kustomization.yaml')!.resources!;
  assert.deepEqual(listed.toSorted(), [...all.keys()].filter((file) => file !== 'kustomization.yaml').sort());
});

test('what the manifests name exists: ports, claims, labels, probes and options of the server', async () => {
  const all = await manifests();
  const deployment = all.get('deployment.yaml')!;
  const { template, selector } = deployment.spec;
  const [container] = template.spec.containers;
  assert.deepEqual(template.metadata.labels, selector.matchLabels);
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
  const drain = Number(container.args[container.args.indexOf('--drain-seconds') + 1]);
  assert.ok(template.spec.terminationGracePeriodSeconds >= drain + 30);
});

test('the Containerfile is well-formed and copies what the server imports', async () => {
  const dockerfile = DockerfileParser.parse(await readFile(join(PROJECT, 'deploy', 'Containerfile'), 'utf8'));
  const known = new Set([
    'FROM',
    'ENV',
    'WORKDIR',
    'COPY',
    'RUN',
    'USER',
    'EXPOSE',
    'STOPSIGNAL',
    'HEALTHCHECK',
    'ENTRYPOINT',
    'CMD',
  ]);
  const instructions: Instruction[] = dockerfile.getInstructions();
  for (const instruction of instructions)
    assert.ok(known.has(instruction.getKeyword()), instruction.toString());
  for (const from of dockerfile.getFROMs() as From[])
    assert.match(from.getImage()!, /:\d/, 'images are pinned');
  const last = (keyword: string): string[] =>
    instructions
      .filter((instruction) => instruction.getKeyword() === keyword)
      .at(-1)!
      .getArguments()
      .map((argument) => argument.getValue());
  assert.notEqual(last('USER')[0], 'root');
  const entry = JSON.parse(last('ENTRYPOINT').join('')) as string[];
  assertServeOptions([
    ...entry.slice(entry.indexOf('serve/cli.ts') + 1),
    ...(JSON.parse(last('CMD').join('')) as string[]),
  ]);
  const copied = instructions
    .filter((instruction) => instruction.getKeyword() === 'COPY')
    .flatMap((instruction) => instruction.getArguments().map((argument) => argument.getValue()))
    .filter((path) => !path.includes('/app/'));
  for (const path of copied) await access(join(PROJECT, path === './' ? '.' : path));
  // Every import of the server, and of what it imports, lies in a folder that is copied.
  const seen = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    const short = path.slice(PROJECT.length);
    assert.ok(
      copied.some((folder) => short.startsWith(`${folder}/`)),
      `${short} is not copied`,
    );
    const text = await readFile(path, 'utf8');
    for (const [, target] of text.matchAll(/(?:from |import\(|new URL\()'(\.{1,2}\/[^']+\.ts)'/g)) {
      await visit(join(path, '..', target!));
    }
  };
  await visit(join(PROJECT, 'serve', 'cli.ts'));
  assert.ok(seen.size > 60);
});

function assertServeOptions(args: string[]): void {
  const names = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2));
  for (const name of names) assert.ok(name in SERVE_OPTIONS, `--${name}`);
}
