import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRecorded, parseRecord } from '../../setup/wheel.ts';
import { checkPlain } from '../data/user-error.ts';

// SHA-256 of the empty string and of "abc", from FIPS 180.
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const RECORD = [
  'a/empty.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0',
  '"with, comma and "" quote",sha256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0,3\r',
  'x.dist-info/RECORD,,',
  '',
].join('\n');

test('RECORD gives the digests in hexadecimal, by path', () => {
  assert.deepEqual(Object.fromEntries(parseRecord(RECORD)), {
    'a/empty.py': { sha256: EMPTY, bytes: 0 },
    'with, comma and " quote': { sha256: ABC, bytes: 3 },
  });
});

test('a file must have the digest of its line', () => {
  const record = parseRecord(RECORD);
  checkRecorded(record, 'a/empty.py', EMPTY, 'x.whl');
  assert.throws(
    () => checkRecorded(record, 'a/empty.py', ABC, 'x.whl'),
    (error) => checkPlain(error, /^a\/empty\.py in x\.whl is damaged or changed/),
  );
  assert.throws(
    () => checkRecorded(record, 'a/other.py', EMPTY, 'x.whl'),
    (error) => checkPlain(error, /^x\.whl has no checksum for a\/other\.py/),
  );
});
