/**
 * The spellings by which two codes may be the same one, for denials: SNOMED CT with its term or a refinement (`86406008|term|`,
 * `86406008:363698007=…`), ICD-10 in either case, without its dot or with the filler of a fourth place (`b20`, `B20X`), Read codes
 * padded with dots and with their term's number (`43C3.`, `43C3.00`). Codes that are alike in a spelling need not be the same.
 */
export function spellingsOf(code: string): readonly string[] {
  const words = code.replace(/\|[^|]*\|/g, ' ').toUpperCase();
  const plain = words.replace(/[\s.]|-$/g, '');
  const ids = /^\d+$/.test(plain) ? [] : (words.match(/(?<![A-Z0-9])\d{6,18}(?![A-Z0-9])/g) ?? []);
  const padded = PADDED.exec(plain)?.[1];
  const numbered = READ_WITH_TERM.exec(words.trim())?.[1]?.replace(/\./g, '');
  return [plain, ...ids, ...[padded, numbered].filter((one) => one !== undefined)];
}

/** ICD-10 and OPCS-4 with a filler in the fourth place, or a mark of dagger and asterisk behind it. */
const PADDED = /^([A-Z]\d\d\d?)X?[AD*†‡+#]?$/;
/** Five places and the two digits of the term. */
const READ_WITH_TERM = /^((?=.*[A-Z.])[A-Z0-9.]{5})\d\d$/;
