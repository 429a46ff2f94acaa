import type { Resource } from '@weft/domain';
import { attachedTo, attachmentAddress, withAttachmentsAt } from './attachments.js';

const attachment = (url: string) => ({ attachment: { contentType: 'application/pdf', url, title: 'Letter' } });
const binary = (id: string, contentType = 'application/pdf') => ({ resourceType: 'Binary', id, contentType, data: 'JVBERi0=' });
const document = (contained: readonly object[], ...urls: string[]): Resource =>
  ({ resourceType: 'DocumentReference', id: 'd1', contained, content: urls.map(attachment) }) as Resource;

describe('what is attached to a document', () => {
  it('is what it contains and attaches, in the media type that is said', () => {
    const found = attachedTo(document([binary('b')], '#b'), 'b');
    expect(found).toEqual({ contentType: 'application/pdf', bytes: Buffer.from('%PDF-') });
    expect(attachedTo(document([binary('b', 'text/plain; charset=utf-8')], '#b'), 'b')?.contentType).toBe(
      'text/plain; charset=utf-8',
    );
    for (const type of ['pdf', 'text/html\r\nset-cookie: x', ''])
      expect(attachedTo(document([binary('b', type)], '#b'), 'b')?.contentType).toBe('application/octet-stream');
  });

  it('is nothing that it does not attach, that is no Binary, or that stands elsewhere', () => {
    expect(attachedTo(document([binary('b')], 'https://docs.example/b'), 'b')).toBeUndefined();
    expect(attachedTo(document([{ resourceType: 'Practitioner', id: 'b' }], '#b'), 'b')).toBeUndefined();
    expect(attachedTo(document([], '#b'), 'b')).toBeUndefined();
    expect(attachedTo({ ...document([binary('b')], '#b'), resourceType: 'Observation' }, 'b')).toBeUndefined();
  });

  it('lies at an address for readers, and what else it contains stays', () => {
    const at = attachmentAddress('https://weft.example', '9990000018', 'direct-care');
    const entry = {
      id: 'RX901:docs/a b/DocumentReference/d1',
      resource: document([binary('b'), { resourceType: 'Practitioner', id: 'dr' }], '#b', 'https://x.example'),
    };
    expect(withAttachmentsAt(entry, at).resource).toEqual({
      ...{ resourceType: 'DocumentReference', id: 'd1', contained: [{ resourceType: 'Practitioner', id: 'dr' }] },
      content: [
        attachment('https://weft.example/records/9990000018/documents/RX901%3Adocs%2Fa%20b/d1/b'),
        attachment('https://x.example'),
      ],
    });
    expect(attachmentAddress('', '9990000018', 'care-coordination')('RX901/DocumentReference/d1', 'b')).toBe(
      '/records/9990000018/documents/RX901/d1/b?purpose=care-coordination',
    );
  });

  it('changes nothing of an entry that attaches nothing it contains', () => {
    const entry = { id: 'RX901/DocumentReference/d1', resource: document([binary('b')], 'https://x.example') };
    expect(withAttachmentsAt(entry, () => 'x')).toBe(entry);
  });
});
