import type { Entry, NumberRecord } from '@weft/domain';

/** What became of an entry whose versions name several NHS numbers; no other number is named. */
export interface Corrected {
  readonly entry: string;
  readonly organisation: string;
  readonly what: 'moved-away' | 'moved-here' | 'unclear';
  readonly plainEnglish: string;
}

const PLAIN_ENGLISH: Readonly<Record<Corrected['what'], string>> = {
  'moved-away': 'A later version says another NHS number, so it moved to that one.',
  'moved-here': 'It came from another NHS number, as a later version says this one. What protected it there protects it here.',
  unclear:
    'Another NHS number has an entry of this id too, and their versions do not say which is the later. Its sender should say whose it is.',
};

/** What of a person's entries moved, or may be somebody else's, by what their records know. */
export function correctedIn(records: readonly NumberRecord[]): Corrected[] {
  return records.flatMap(({ record }) =>
    [...record.entries.values()].flatMap((entry) => {
      const what = whatOf(entry);
      return what === null
        ? []
        : [{ entry: entry.id, organisation: entry.organisation, what, plainEnglish: PLAIN_ENGLISH[what] }];
    }),
  );
}

function whatOf({ away, arrival, review, last }: Entry): Corrected['what'] | null {
  if (away !== undefined) return 'moved-away';
  if (review === 'number-unclear') return 'unclear';
  return arrival === undefined || last === null ? null : 'moved-here';
}
