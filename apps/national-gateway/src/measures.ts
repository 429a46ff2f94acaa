import type { Answer, Demographics, SignalBecame } from '@weft/national';
import { NoAnswer } from '@weft/national';
import type { Service } from '@weft/service';

/** Counts what becomes of signals. What is in quarantine is in the log too, by where it stands: nothing of it is. */
export function signalObserver({ log, metrics }: Service): (became: SignalBecame) => void {
  const signals = metrics.counter('weft_national_signals_total', 'National events by what became of them', ['type', 'outcome']);
  return ({ type, outcome, problems, place }) => {
    signals.inc({ type: type ?? 'unread', outcome });
    if (outcome === 'quarantined') log.warn({ problems, at: place }, 'a national event is in quarantine');
  };
}

type Answered = Answer['says'] | 'superseded' | 'none';

/** Counts what PDS answers. */
export function counted({ metrics }: Service, demographics: Demographics): Demographics {
  const answers = metrics.counter('weft_pds_answers_total', 'What PDS answered, none where it did not', ['answer']);
  const count = (answer: Answered): void => answers.inc({ answer });
  return {
    async patient(nhsNumber) {
      try {
        const answer = await demographics.patient(nhsNumber);
        count(answer.says === 'patient' && answer.nhsNumber !== nhsNumber ? 'superseded' : answer.says);
        return answer;
      } catch (error) {
        if (error instanceof NoAnswer) count('none');
        throw error;
      }
    },
  };
}

/** An inbox that fails for so long is not ready, whatever its engine says. */
const FAILING_TOO_LONG_MS = 60_000;

/** Counts and logs what an inbox does, and makes readiness say no while it keeps failing. */
export function inboxObserver({ clock, log, metrics, readiness }: Service) {
  const received = metrics.counter('weft_national_received_total', 'Messages taken out of the inbox of national events');
  const left = metrics.counter(
    'weft_national_left_total',
    'Times that a message was left in the inbox, as the bus cannot carry it',
  );
  let failingSince: number | null = null;
  readiness.register('national-inbox', async () => {
    if (failingSince !== null && clock.steady() - failingSince > FAILING_TOO_LONG_MS) throw new Error('the inbox keeps failing');
  });
  return {
    onReceived(count: number): void {
      failingSince = null;
      received.inc(count);
    },
    onFailure(err: unknown): void {
      failingSince ??= clock.steady();
      log.warn({ err }, 'the inbox of national events failed; what was not acknowledged comes again');
    },
    onLeft(message: string): void {
      left.inc();
      log.error({ message }, 'a message is left in the inbox of national events: it cannot be stored whole');
    },
  };
}
