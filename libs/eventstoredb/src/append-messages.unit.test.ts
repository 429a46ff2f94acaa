import { NO_STREAM } from '@weft/processing';
import { appendRequests } from './append-messages.js';
import { toOwnEvent } from './stored-event.js';

const ID = '11111111-1111-4111-8111-111111111111';
const events = (count: number, bytes = 0) =>
  Array.from({ length: count }, () => toOwnEvent(ID, 'care-event-recorded-1', { x: 'x'.repeat(bytes) }));

describe('the requests of one append', () => {
  it('are one, with options and final, for what is usual', () => {
    const [request, ...others] = appendRequests(ID, 'careRecord-1', 7, events(2));
    expect(others).toEqual([]);
    expect([request?.hasOptions(), request?.getIsFinal()]).toEqual([true, true]);
    expect(request?.getOptions()?.getStreamPosition()).toBe('7');
    expect(appendRequests(ID, 'careRecord-1', NO_STREAM, events(1))[0]?.getOptions()?.hasNoStream()).toBe(true);
  });

  it.each([
    ['many small events, whose ids outweigh their data', events(50_000)],
    ['few large ones', events(4, 900_000)],
  ])('are several for %s, none larger than gRPC takes: one id, the options in the first, the last one final', (_, all) => {
    const requests = appendRequests(ID, 'careRecord-1', NO_STREAM, all);
    expect(requests.length).toBeGreaterThan(1);
    for (const [index, request] of requests.entries()) {
      expect(request.serializeBinary().length).toBeLessThan(4 * 1_048_576);
      expect(request.getCorrelationId()?.getString()).toBe(ID);
      expect(request.hasOptions()).toBe(index === 0);
      expect(request.getIsFinal()).toBe(index === requests.length - 1);
    }
    expect(requests.flatMap((request) => request.getProposedMessagesList())).toHaveLength(all.length);
  });

  it('name no deadline, which the server would read by its own clock', () => {
    const [request] = appendRequests(ID, 'careRecord-1', NO_STREAM, events(1));
    expect(request?.getOptions()?.hasDeadline()).toBe(false);
  });
});
