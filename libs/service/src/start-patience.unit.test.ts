import { EngineDamaged, EngineUnavailable } from '@weft/processing';
import { onceEnginesAnswer } from './start-patience.js';

const ELSEWHERE = { eventStoreUrl: 'esdb://store:2113', startPatienceMs: 60_000 };
const away = (engine = 'Kafka'): EngineUnavailable => new EngineUnavailable(engine, 'no answer');

/** Opens in the end what is answered last, a second passing with each look. */
function starting(settings: Parameters<typeof onceEnginesAnswer>[0], answers: readonly (Error | 'open')[]) {
  const said: string[] = [];
  let now = 0;
  let looks = 0;
  const open = async (): Promise<string> => {
    const answer = answers[Math.min(looks++, answers.length - 1)] as Error | 'open';
    if (answer !== 'open') throw answer;
    return answer;
  };
  const time = { clock: { now: () => now, steady: () => now }, timers: { sleep: async (ms: number) => void (now += ms) } };
  const opened = onceEnginesAnswer(settings, open, (sentence) => said.push(sentence), time);
  return opened.catch((error: unknown) => error).then((outcome) => ({ outcome, said, seconds: now / 1_000 }));
}

describe('a start whose engines are not there yet', () => {
  it('waits for them, and says once which it waits for', async () => {
    const { outcome, said } = await starting(ELSEWHERE, [away(), away(), away('EventStoreDB'), 'open']);
    expect(outcome).toBe('open');
    expect(said).toEqual([
      'waiting up to 60 s for an engine: Kafka: no answer',
      'waiting up to 58 s for an engine: EventStoreDB: no answer',
    ]);
  });

  it('ends when its patience is over, with what the engine said last', async () => {
    const { outcome, seconds } = await starting(ELSEWHERE, [away()]);
    expect(outcome).toMatchObject({ engine: 'Kafka' });
    expect(seconds).toBe(60);
  });

  it.each([
    ['patience is none', { ...ELSEWHERE, startPatienceMs: 0 }, away()],
    ['the engines are files of its own', { startPatienceMs: 60_000 }, away('weft.db')],
    ['the engine is damaged', ELSEWHERE, new EngineDamaged('store', 'a row is missing')],
    ['it fails otherwise', ELSEWHERE, new Error('no settings')],
  ])('ends at once where %s', async (_, settings, failure) => {
    expect(await starting(settings, [failure])).toEqual({ outcome: failure, said: [], seconds: 0 });
  });
});
