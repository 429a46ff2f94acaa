import type { Entry, NumberRecord } from '@weft/domain';

/** What became of an entry of which several people have, or had, versions; no other number is named. */
export interface Corrected {
  readonly entry: string;
  readonly organisation: string;
  readonly what: 'moved-away' | 'moved-here' | 'unclear';
  readonly plainEnglish: string;
}

const PLAIN_ENGLISH: Readonly<Record<Corrected['what'], string>> = {
  'moved-away': 'A later version of it names another NHS number, so it moved to that one.',
  'moved-here': 'It came from another NHS number, as the later version names this one. What protected it there protects it here.',
  unclear:
    'Another NHS number has an entry of this id too, and their versions do not say which is the later. Its sender should say whose it is.',
};

/** The entries of a person that moved, or that may be somebody else's, by what their records know. */
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

function whatOf({ placed }: Entry): Corrected['what'] | null {
  if (placed?.place === 'away') return 'moved-away';
  if (placed?.place === 'arrived') return 'moved-here';
  return placed?.place === 'unclear' ? 'unclear' : null;
}
