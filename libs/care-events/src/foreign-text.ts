/** What a text is that people send in earnest and that is no JSON, and what to do with it. Repeats nothing of its content. */
export interface ForeignText {
  readonly what: string;
  readonly then: string;
}

const CONVERT = 'have it converted, by an integration engine for example';

const TEXTS: readonly (readonly [begins: RegExp, what: string, then: string])[] = [
  [/^(MSH|FHS|BHS)[^\w\s]/, 'an HL7 v2 message (MSH|…)', 'send it over MLLP to a listener for it (weft hl7v2 send)'],
  [/^UN[AB][^\w\s]/, 'an EDIFACT message (UNB+…)', CONVERT],
  [/^%PDF-/, 'a PDF', 'a Bundle can carry it within a Binary or DocumentReference'],
];

/** How much of a text tells what it is. */
const HEAD = 4_096;

/** By how it begins; null for what may be JSON. */
export function foreignText(whole: string): ForeignText | null {
  // An HL7 v2 message may stand in the frame of its transport, which begins with a vertical tab.
  const text = whole.slice(0, HEAD).replace(/^[\uFEFF\s]+/, '');
  const found = TEXTS.find(([begins]) => begins.test(text));
  if (found !== undefined) return { what: found[1], then: found[2] };
  return text.startsWith('<') ? markup(text) : null;
}

function markup(text: string): ForeignText {
  // What stands before the first element: the declaration, comments, a document type.
  const element = text.replace(/<\?[^]*?\?>|<!--[^]*?-->|<![^>]*>/g, '').trimStart();
  if (/^<(\w+:)?ClinicalDocument\b/.test(element)) return { what: 'a CDA document in XML', then: CONVERT };
  if (/^<[^>]*\bxmlns="http:\/\/hl7\.org\/fhir"/.test(element)) {
    return { what: 'FHIR in XML', then: 'ask for application/fhir+json, or have it converted' };
  }
  if (/^<html\b/i.test(element)) {
    return { what: 'a web page (HTML)', then: 'it may be the answer of a proxy or a login' };
  }
  return { what: 'XML', then: CONVERT };
}
