import { generateKeyPairSync } from 'node:crypto';
import { nationalIn } from './national-settings.js';

const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const FILES: Readonly<Record<string, string>> = {
  ...{
    key: privateKey,
    secret: 'aws-secret\n',
    password: 'mesh-password',
    shared: 'mesh-shared-key',
    loose: 'x',
    certificate: 'c',
  },
};
const read = (given: unknown) =>
  nationalIn(given, {
    textIn: (path) => FILES[path] ?? null,
    loosenessOf: (path) => (['loose', 'certificate'].includes(path) ? 'may be read by everybody' : null),
  });

const token = { url: 'https://api.example/oauth2/token', clientId: 'weft', keyId: 'key-1', keyFile: 'key' };
const pds = { url: 'https://api.example/personal-demographics/FHIR/R4/', token };
const sqs = { url: 'https://sqs.example/1/q', accessKeyId: 'AKID', secretAccessKeyFile: 'secret' };
const mesh = { url: 'https://mesh.example', mailbox: 'X26HC999', passwordFile: 'password', sharedKeyFile: 'shared' };
const whole = { organisation: 'X26', pds, inbox: { sqs } };

describe('the settings of national events', () => {
  it('say as whose word they are told, where they come from, and where PDS is asked', () => {
    const { national, faults } = read(whole);
    expect(faults).toEqual([]);
    expect(national).toMatchObject({
      ...{ organisation: 'X26', source: 'urn:ods:X26:mns' },
      pds: { url: 'https://api.example/personal-demographics/FHIR/R4', token: { privateKey } },
      inbox: { sqs: { region: 'eu-west-2', credentials: { secretAccessKey: 'aws-secret' }, waitSeconds: 20 } },
    });
    expect(read({ ...whole, system: 'pds', inbox: { mesh } })).toMatchObject({
      national: { source: 'urn:ods:X26:pds', inbox: { mesh: { password: 'mesh-password', sharedKey: 'mesh-shared-key' } } },
    });
    const tls = { certificateFile: 'certificate', keyFile: 'key', authorityFile: 'certificate' };
    expect(read({ ...whole, inbox: { mesh: { ...mesh, tls } } }).faults).toEqual([]);
  });

  it('may name a stand-in on this machine, in the clear and without a token', () => {
    expect(read({ ...whole, pds: { url: 'http://127.0.0.1:9080/FHIR/R4' } }).faults).toEqual([]);
  });

  it.each([
    [[], 'the document is no object'],
    [{ ...whole, organisation: 'x26' }, 'organisation is no ODS code'],
    [{ ...whole, mesh }, 'the document has a member that it cannot have'],
    [{ ...whole, pds: undefined }, 'pds is no object'],
    [{ ...whole, pds: { token } }, 'pds.url is missing'],
    [{ ...whole, pds: { ...pds, url: 'http://api.example/FHIR/R4' } }, 'pds.url is not https'],
    [{ ...whole, pds: { url: pds.url } }, 'pds.token is missing'],
    [{ ...whole, pds: { ...pds, token: {} } }, 'pds.token.url is missing'],
    [{ ...whole, pds: { ...pds, token: { ...token, keyFile: 'none' } } }, 'pds.token.keyFile names no file that can be read'],
    [{ ...whole, pds: { ...pds, token: { ...token, keyFile: 'secret' } } }, 'pds.token.keyFile holds no private key'],
    [{ ...whole, pds: { ...pds, token: { ...token, url: 'http://api.example/token' } } }, 'pds.token.url is not https'],
    [{ ...whole, inbox: {} }, 'inbox is neither'],
    [{ ...whole, inbox: { sqs, mesh } }, 'inbox is neither'],
    [
      { ...whole, inbox: { sqs: { ...sqs, secretAccessKeyFile: 'loose' } } },
      'inbox.sqs.secretAccessKeyFile may be read by everybody',
    ],
    [{ ...whole, inbox: { sqs: { ...sqs, waitSeconds: 21 } } }, 'inbox.sqs.waitSeconds is no whole number from 0 to 20'],
    [{ ...whole, inbox: { mesh: { ...mesh, mailbox: 'a/b' } } }, 'inbox.mesh.mailbox is no id of a mailbox'],
    [
      { ...whole, inbox: { mesh: { ...mesh, tls: { certificateFile: 'certificate' } } } },
      'inbox.mesh.tls has a certificate without its key',
    ],
  ])('are refused where something is wrong, by its place: %#', (given, fault) => {
    const { national, faults } = read(given);
    expect(national).toBeUndefined();
    expect(faults.join('\n')).toContain(fault);
    expect(faults.join('\n')).not.toMatch(/aws-secret|mesh-|BEGIN/);
  });
});
