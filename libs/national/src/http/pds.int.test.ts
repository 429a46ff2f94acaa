import { generateKeyPairSync } from 'node:crypto';
import { describeDemographics } from '@weft/testing';
import { type StandIn, startPds } from '../../../../infra/pds/server.mjs';
import { NoAnswer } from '../ports.js';
import { openPds } from './pds.js';
import { world } from './world.fixture.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const ANNE = '9990000018';
const token = ({ tokenUrl }: StandIn) => ({ url: tokenUrl, clientId: 'weft', keyId: 'key-1', privateKey });

describeDemographics('PDS over HTTP', async () => {
  const standIn = await startPds({ publicKey });
  return {
    demographics: openPds({ url: standIn.pdsUrl, token: token(standIn) }, world),
    put: (one) => standIn.put(one),
    fail: (one) => standIn.fail(one),
    close: () => standIn.stop(),
  };
});

describe('PDS over HTTP', () => {
  let standIn: StandIn;
  beforeEach(async () => void (standIn = await startPds({ publicKey, people: [{ nhsNumber: ANNE }] })));
  afterEach(() => standIn.stop());

  it('is asked with one access token for as long as that lives, and with another one once it is not accepted', async () => {
    const pds = openPds({ url: standIn.pdsUrl, token: token(standIn) }, world);
    expect(await pds.patient(ANNE)).toMatchObject({ says: 'patient' });
    expect(await pds.patient(ANNE)).toMatchObject({ says: 'patient' });
    expect(standIn.asked()).toHaveLength(2);
    standIn.dropTokens();
    expect(await pds.patient(ANNE)).toMatchObject({ says: 'patient' });
    expect(standIn.asked()).toHaveLength(4);
  });

  it('that lets nobody in answers nobody', async () => {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const strange = openPds({ url: standIn.pdsUrl, token: { ...token(standIn), privateKey: stranger.toString() } }, world);
    await expect(strange.patient(ANNE)).rejects.toMatchObject({
      mayBeThePerson: false,
      message: 'pds: gives no access token (HTTP 400)',
    });
    const unknown = openPds({ url: standIn.pdsUrl }, world);
    await expect(unknown.patient(ANNE)).rejects.toMatchObject({ mayBeThePerson: false });
  });

  it('that is away answers nobody, and no error repeats the number', async () => {
    const pds = openPds({ url: standIn.pdsUrl }, world);
    await standIn.stop();
    const error: unknown = await pds.patient(ANNE).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoAnswer);
    expect(JSON.stringify([(error as Error).message, (error as Error).stack, (error as Error).cause])).not.toContain(ANNE);
    standIn = await startPds();
  });
});
