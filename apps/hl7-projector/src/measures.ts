import type { Became } from '@weft/hl7v2-processing';
import type { Service } from '@weft/service';

/** Counts what becomes of messages. What a person is asked to look at is in the log too, by where it stands: nothing of it is. */
export function messageObserver({ log, metrics }: Service): (became: Became) => void {
  const messages = metrics.counter('weft_hl7v2_mapped_total', 'HL7 v2 messages by what became of them', ['listener', 'outcome']);
  const notes = metrics.counter(
    'weft_hl7v2_mapping_notes_total',
    'What was left out of messages, or decided where they left it open',
    ['listener', 'note'],
  );
  const reviews = metrics.counter('weft_hl7v2_reviews_total', 'What a person is asked to look at', ['organisation', 'review']);
  return ({ organisation, listener, outcome, notes: noted, review, place }) => {
    messages.inc({ listener, outcome });
    for (const note of noted) notes.inc({ listener, note });
    for (const one of review) {
      reviews.inc({ organisation, review: one });
      log.warn({ review: one, at: place }, 'an HL7 v2 message is to be looked at by a person');
    }
  };
}
