import { gunzipSync } from 'node:zlib';
import { AnswerBody, takesGzip } from './answer-body.js';

const TEXT = Buffer.from(JSON.stringify(Array.from({ length: 200 }, (_, n) => ({ resourceType: 'Observation', id: `o${n}` }))));

describe('the body of an answer', () => {
  it('is kept packed alone once it was packed, and reads as before', async () => {
    const body = new AnswerBody(TEXT);
    expect(body.asKept()).toEqual({ bytes: TEXT, encoding: null });
    await Promise.all([body.pack(), body.pack()]);
    expect(body.length).toBeLessThan(TEXT.length / 5);
    expect(body.asKept().encoding).toBe('gzip');
    expect(gunzipSync(body.asKept().bytes)).toEqual(TEXT);
    expect(await body.plain()).toEqual(TEXT);
  });

  it('stays as it is where packing saves no packet', async () => {
    const body = new AnswerBody(Buffer.from('{"entries":[]}'));
    await body.pack();
    expect(body.asKept().encoding).toBeNull();
  });
});

describe('an Accept-Encoding', () => {
  it.each([
    ['gzip', true],
    ['gzip, deflate, br', true],
    ['br;q=1.0, GZIP;q=0.5', true],
    ['*', true],
    ['*;q=0.5, gzip;q=0', false],
    ['gzip;q=0', false],
    ['gzip ; q=0.000', false],
    ['identity', false],
    ['x-gzip', false],
    ['', false],
    [undefined, false],
  ])('%s: takes gzip: %s', (header, takes) => {
    expect(takesGzip(header)).toBe(takes);
  });
});
