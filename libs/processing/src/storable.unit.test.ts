import { observation, ANNE } from './region.fixture.js';
import { tooLargeToStore } from './storable.js';

const LIMIT_BYTES = 983_616;
const withText = (text: string, more: object = {}) =>
  observation(ANNE, 'a', { resource: { resourceType: 'Observation', id: 'a', text, ...more } });
const tooLarge = (event: ReturnType<typeof withText>, bytes: number) => tooLargeToStore(event, bytes, () => event.resource);
const bytesOf = (event: object): number => Buffer.byteLength(JSON.stringify(event));

describe('an event', () => {
  it('may take what an append has room for, and no byte more', () => {
    const { type, id, source, organisation, time, resource } = withText('');
    const room = LIMIT_BYTES - bytesOf({ type, id, source, organisation, time, resource });
    const about = { type, id, source, organisation, time };
    const sized = (bytes: number) => ({ ...withText('x'.repeat(bytes)), ...about });
    expect(tooLarge(sized(room), LIMIT_BYTES)).toBeNull();
    expect(tooLarge(sized(room + 1), LIMIT_BYTES)).toEqual({
      field: 'data',
      code: 'too-large',
      message: `the event takes ${LIMIT_BYTES + 1} bytes in the record; the limit is ${LIMIT_BYTES}`,
    });
  });

  it('is measured as it is stored: in UTF-8, and with every digit of its numbers', () => {
    expect(tooLarge(withText('€'.repeat(330_000)), 990_000)).toMatchObject({ code: 'too-large' });
    const digits = withText('', { valueSampledData: new Array(50_000).fill(1e20) });
    expect(tooLarge(digits, '1e20,'.length * 50_000)).toMatchObject({ code: 'too-large' });
  });
});
