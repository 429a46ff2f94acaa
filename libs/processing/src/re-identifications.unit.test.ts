import { textOf } from './encoding.js';
import {
  authoriseReIdentification,
  mayBeDisclosed,
  proposeReIdentification,
  reIdentification,
  reIdentifications,
  takeDisclosure,
  type ReIdentificationAsked,
} from './re-identifications.js';
import { ANNE, BERT, idleRegion, meeting } from './region.fixture.js';
import { RE_IDENTIFICATIONS_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';

const [anna, bert, carl] = ['anna', 'bert', 'carl'].map((subject) => ({ subject, organisation: null })) as [
  Person,
  Person,
  Person,
];
type Person = ReIdentificationAsked['by'];
const HOUR = 3_600_000;
const ASKED = {
  id: 'r1',
  purpose: 'research',
  known: 'nhs-number',
  reason: 'They left the study',
  subject: ANNE,
  by: anna,
} as const;
const PSEUDONYM = 'ab'.repeat(16);

/** The same region, so much later. */
const later = (wiring: Wiring, ms: number): Wiring => {
  const now = wiring.clock.now() + ms;
  return { ...wiring, clock: { now: () => now, steady: () => now } };
};

describe('a re-identification', () => {
  let wiring: Wiring;
  beforeEach(async () => {
    wiring = await idleRegion();
    await proposeReIdentification(wiring, ASKED);
  });
  const authorised = () => authoriseReIdentification(wiring, 'r1', ANNE, bert);

  it('is disclosed once, to one of the two who agreed', async () => {
    await expect(mayBeDisclosed(wiring, 'r1', ANNE, anna)).rejects.toMatchObject({ why: 'waiting' });
    expect(await authorised()).toMatchObject({ state: 'authorised', proposedBy: anna, authorisedBy: bert });
    await expect(takeDisclosure(wiring, 'r1', ANNE, carl)).rejects.toMatchObject({ why: 'neither-of-two' });
    const first = () => takeDisclosure(wiring, 'r1', ANNE, bert);
    const overtaken = meeting(wiring, (stream) => stream === RE_IDENTIFICATIONS_STREAM, first);
    await expect(takeDisclosure(overtaken, 'r1', ANNE, anna)).rejects.toMatchObject({ why: 'disclosed' });
    expect(await reIdentifications(wiring)).toMatchObject([{ id: 'r1', state: 'disclosed', disclosedTo: bert, expiresAt: null }]);
  });

  it('is authorised by somebody else than proposed it, who may ask again whether it was done', async () => {
    await expect(authoriseReIdentification(wiring, 'r1', ANNE, anna)).rejects.toMatchObject({ why: 'same-person' });
    expect((await authorised()).authorisedAt).toBe((await authorised()).authorisedAt);
    await expect(authoriseReIdentification(wiring, 'r1', ANNE, carl)).rejects.toMatchObject({ why: 'authorised' });
    expect(await wiring.store.head(RE_IDENTIFICATIONS_STREAM)).toBe(1);
  });

  it('goes on for whoever names the same person, and for nobody else', async () => {
    await expect(authoriseReIdentification(wiring, 'r1', BERT, bert)).rejects.toMatchObject({ why: 'other-subject' });
    await authorised();
    await expect(takeDisclosure(wiring, 'r1', BERT, bert)).rejects.toMatchObject({ why: 'other-subject' });
    await expect(takeDisclosure(wiring, 'r2', ANNE, bert)).rejects.toMatchObject({ why: 'unknown' });
    expect(await reIdentification(wiring, 'r2')).toBeNull();
  });

  it.each([
    ['nhs-number', ANNE, HOUR],
    ['pseudonym', PSEUDONYM, 24 * HOUR],
  ] as const)('by %s expires: unauthorised after a week, authorised after its time', async (known, subject, stands) => {
    const id = 'timed';
    await proposeReIdentification(wiring, { ...ASKED, id, known, subject });
    const week = later(wiring, 7 * 24 * HOUR);
    expect(await reIdentification(week, id)).toMatchObject({ state: 'expired' });
    await expect(authoriseReIdentification(week, id, subject, bert)).rejects.toMatchObject({ why: 'expired' });
    const { expiresAt, authorisedAt } = await authoriseReIdentification(wiring, id, subject, bert);
    expect(Date.parse(expiresAt!) - Date.parse(authorisedAt!)).toBe(stands);
    await mayBeDisclosed(later(wiring, stands - HOUR / 2), id, subject, anna);
    await expect(takeDisclosure(later(wiring, stands + 1), id, subject, anna)).rejects.toMatchObject({ why: 'expired' });
  });

  it('keeps nothing of whom it is about, and nothing that two of them have in common', async () => {
    await proposeReIdentification(wiring, { ...ASKED, id: 'r2' });
    await proposeReIdentification(wiring, { ...ASKED, id: 'r3', known: 'pseudonym', subject: PSEUDONYM });
    await authorised();
    const stored = (await wiring.store.read(RE_IDENTIFICATIONS_STREAM)).map(({ data }) => textOf(data));
    for (const name of [ANNE, wiring.keys.patient(ANNE), wiring.keys.view('research', wiring.keys.patient(ANNE)), PSEUDONYM])
      expect(stored.join()).not.toContain(name);
    const marks = stored.flatMap((data) => (JSON.parse(data) as { mark?: string }).mark ?? []);
    expect(new Set(marks).size).toBe(3);
  });
});
