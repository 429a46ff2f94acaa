import { findingsOf, type RegionFacts } from './findings.js';

const WELL: RegionFacts = {
  ...{ messagesLost: 0, toldAnew: null, clocksApart: { receipts: 0, brokers: null, leap: 0, publishers: {} } },
  ...{ decisionsInQuarantine: 0, decisionsUnreadSeconds: 0, unread: [], recordsUnreadable: {}, unpublishedSeconds: 0 },
  policy: { version: 3, seconds: 100_000, applied: 3 },
};
const lately = { group: 'weft.record-projector', topic: 'weft.care-events.RX901', messages: 4, seconds: 29 };

describe('status', () => {
  it.each<readonly [string, Partial<RegionFacts>, readonly string[]]>([
    ['a region in which all is dealt with', {}, []],
    [
      'a store that was put back',
      { messagesLost: 2, toldAnew: 0 },
      [
        'catching-up: the store was put back: 2 messages that it lost are being read again',
        'telling-anew: everything is being published',
      ],
    ],
    [
      'clocks that are a minute apart, and one that is an hour ahead',
      { clocksApart: { receipts: 60, brokers: -3_600, leap: 0, publishers: { 'weft.care-events.RX901': 61 } } },
      [
        'clocks-apart: clocks are apart: the record API’s machine is 60 minutes ahead of the brokers',
        'clocks-apart: clocks are apart: who sends to weft.care-events.RX901 is 61 seconds ahead of its receipt',
      ],
    ],
    ['what waits as long as things do', { unread: [lately], decisionsUnreadSeconds: 29, unpublishedSeconds: 29 }, []],
    ['a policy that was adopted just now', { policy: { version: 3, seconds: 29, applied: 2 } }, []],
    [
      'a policy that is in force and not applied',
      { policy: { version: 3, seconds: 300, applied: 2 } },
      ['policy-not-applied: policy version 3 has been in force for 5 minutes, and not every view'],
    ],
    [
      'one message that may be an objection',
      { decisionsInQuarantine: 1 },
      ['decisions-in-quarantine: 1 message in quarantine may be an objection'],
    ],
    ['two of them', { decisionsInQuarantine: 2 }, ['decisions-in-quarantine: 2 messages in quarantine may be objections']],
    [
      'decisions that nobody reads',
      { decisionsUnreadSeconds: 30 },
      ['decisions-not-read: nobody has read decisions for 30 seconds'],
    ],
    [
      'an organisation that nobody reads beside one that is read',
      { unread: [lately, { group: 'weft.hl7-projector', topic: 'weft.hl7v2.RX902', messages: 1, seconds: 7_300 }] },
      ['messages-not-read: 1 message of weft.hl7v2.RX902 waits, the oldest for 2 hours'],
    ],
    [
      'changes that nobody publishes',
      { unpublishedSeconds: 90 },
      ['changes-not-published: changes have waited 90 seconds for subscribers'],
    ],
    [
      'records that cannot be read, each kind by itself, behind what may be an objection',
      { recordsUnreadable: { 'record-damaged': 1, 'written-by-a-newer-weft': 2 }, decisionsInQuarantine: 1 },
      [
        'decisions-in-quarantine: 1 message',
        'records-unreadable: 1 record cannot be read (record-damaged)',
        'records-unreadable: 2 records cannot be read (written-by-a-newer-weft)',
      ],
    ],
  ])('says of %s what somebody must see to', (_, facts, expected) => {
    const found = findingsOf({ ...WELL, ...facts });
    expect(found.map(({ code, text }) => `${code}: ${text}`)).toEqual(expected.map((start) => expect.stringContaining(start)));
    expect(found.every(({ mend }) => mend.length > 0)).toBe(true);
  });

  it('names who is to read what nobody reads', () => {
    const [found] = findingsOf({ ...WELL, unread: [{ ...lately, seconds: 60 }] });
    expect(found?.mend).toContain('start a record-projector');
  });
});
