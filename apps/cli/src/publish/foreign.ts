const CONVERT = 'have it converted, by an integration engine for example';

/** What a file is that Weft does not take, with what to do, by how it begins; null for what may be JSON. Repeats nothing of its content. */
export function foreignFormat(head: Buffer): string | null {
  const compressed = compressionOf(head);
  if (compressed !== null) return compressed;
  if (head.length >= 2 && [0xfeff, 0xfffe].includes(head.readUInt16BE(0)))
    return 'this is UTF-16, and JSON is UTF-8: save it as UTF-8';
  // An HL7 v2 message may stand in the frame of its transport, which begins with a vertical tab.
  const text = head
    .subarray(0, 4_096)
    .toString('utf8')
    .replace(/^[\uFEFF\s]+/, '');
  const found = TEXTS.find(([begins]) => begins.test(text));
  if (found !== undefined) return `this is ${found[1]}; Weft takes FHIR R4 JSON: ${found[2]}`;
  return text.startsWith('<') ? markup(text) : null;
}

const TEXTS: readonly (readonly [begins: RegExp, what: string, then: string])[] = [
  [/^(MSH|FHS|BHS)[^\w\s]/, 'an HL7 v2 message (MSH|…)', CONVERT],
  [/^UN[AB][^\w\s]/, 'an EDIFACT message (UNB+…)', CONVERT],
  [/^%PDF-/, 'a PDF', 'a Bundle can carry it within a Binary or DocumentReference'],
];

function compressionOf(head: Buffer): string | null {
  const begins = head.subarray(0, 4).toString('hex');
  if (begins.startsWith('1f8b')) return 'this is compressed (gzip): zcat FILE | weft publish - …';
  if (begins.startsWith('28b52ffd')) return 'this is compressed (zstd): zstdcat FILE | weft publish - …';
  if (begins.startsWith('425a68')) return 'this is compressed (bzip2): bzcat FILE | weft publish - …';
  return begins === '504b0304' ? 'this is a ZIP archive: unpack it, and publish the directory' : null;
}

function markup(text: string): string {
  // What stands before the first element: the declaration, comments, a document type.
  const element = text.replace(/<\?[^]*?\?>|<!--[^]*?-->|<![^>]*>/g, '').trimStart();
  if (/^<(\w+:)?ClinicalDocument\b/.test(element)) return `this is a CDA document in XML; Weft takes FHIR R4 JSON: ${CONVERT}`;
  if (/^<[^>]*\bxmlns="http:\/\/hl7\.org\/fhir"/.test(element)) {
    return 'this is FHIR in XML; Weft takes FHIR R4 JSON: ask for application/fhir+json, or have it converted';
  }
  if (/^<html\b/i.test(element))
    return 'this is a web page (HTML), perhaps the answer of a proxy or a login; Weft takes FHIR R4 JSON';
  return `this is XML; Weft takes FHIR R4 JSON: ${CONVERT}`;
}
