import { foreignText } from '@weft/care-events';

/** What a file is that Weft does not take, with what to do, by how it begins; null for what may be JSON. Repeats nothing of its content. */
export function foreignFormat(head: Buffer): string | null {
  const compressed = compressionOf(head);
  if (compressed !== null) return compressed;
  if (head.length >= 2 && [0xfeff, 0xfffe].includes(head.readUInt16BE(0)))
    return 'this is UTF-16, and JSON is UTF-8: save it as UTF-8';
  const foreign = foreignText(head.subarray(0, 4_096).toString('utf8'));
  return foreign === null ? null : `this is ${foreign.what}; Weft takes FHIR R4 JSON: ${foreign.then}`;
}

function compressionOf(head: Buffer): string | null {
  const begins = head.subarray(0, 4).toString('hex');
  if (begins.startsWith('1f8b')) return 'this is compressed (gzip): zcat FILE | weft publish - …';
  if (begins.startsWith('28b52ffd')) return 'this is compressed (zstd): zstdcat FILE | weft publish - …';
  if (begins.startsWith('425a68')) return 'this is compressed (bzip2): bzcat FILE | weft publish - …';
  return begins === '504b0304' ? 'this is a ZIP archive: unpack it, and publish the directory' : null;
}
