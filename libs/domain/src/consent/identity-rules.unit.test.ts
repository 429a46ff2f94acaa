import { mayIdentify, notYours, type IdentityEventType } from './identity-rules.js';

const REGION = { identity: { demographics: ['X26'] } };
const stranger = { organisation: 'RX901', hasRecorded: false, isSameSource: false };
const SENDERS = {
  'the demographics service': { ...stranger, organisation: 'X26' },
  'who recorded something about each number': { ...stranger, hasRecorded: true },
  'who said what is taken back': { ...stranger, isSameSource: true },
  'somebody else': stranger,
};

describe('by the shipped rules', () => {
  it.each<[IdentityEventType, keyof typeof SENDERS, boolean]>([
    ['patient-merged-1', 'the demographics service', true],
    ['patient-merged-1', 'who recorded something about each number', true],
    ['patient-merged-1', 'who said what is taken back', false],
    ['patient-merged-1', 'somebody else', false],
    ['patient-unmerged-1', 'the demographics service', true],
    ['patient-unmerged-1', 'who recorded something about each number', false],
    ['patient-unmerged-1', 'who said what is taken back', true],
    ['patient-unmerged-1', 'somebody else', false],
    ['patient-died-1', 'the demographics service', true],
    ['patient-died-1', 'who recorded something about each number', true],
    ['patient-died-1', 'who said what is taken back', false],
    ['patient-died-1', 'somebody else', false],
  ])('%s from %s counts: %s', (type, sender, counts) => {
    expect(mayIdentify(type, SENDERS[sender], REGION)).toBe(counts);
  });

  it('no organisation is a demographics service until the policy names it', () => {
    expect(mayIdentify('patient-merged-1', SENDERS['the demographics service'], {})).toBe(false);
  });
});

describe('a locality', () => {
  it('may have it otherwise for one of the three, and leave the others as shipped', () => {
    const policy = { identity: { demographics: ['X26'], merges: ['demographics'] as const } };
    const knows = SENDERS['who recorded something about each number'];
    expect(mayIdentify('patient-merged-1', knows, policy)).toBe(false);
    expect(mayIdentify('patient-died-1', knows, policy)).toBe(true);
  });
});

describe('what is not its sender’s to send', () => {
  it.each([
    ['patient-merged-1', 'not-yours-to-merge', 'a merge counts', 'from an organisation that has recorded something'],
    ['patient-unmerged-1', 'not-yours-to-unmerge', 'an unmerge counts', 'from the organisation that said what it takes back'],
    ['patient-died-1', 'not-yours-to-record-a-death', 'a death counts', 'from an organisation that has recorded something'],
  ] as const)('says of %s under %s what would make it acceptable', (type, code, what, ground) => {
    const { message, ...rest } = notYours(type, REGION);
    expect(rest).toEqual({ field: 'source', code });
    expect(message).toMatch(new RegExp(`^${what} from the region’s demographics service \\(X26\\), or ${ground}`));
  });

  it('says so where the policy names no demographics service, or lets nobody', () => {
    expect(notYours('patient-merged-1', {}).message).toContain('(the policy names none)');
    expect(notYours('patient-merged-1', { identity: { merges: [] } }).message).toBe('a merge counts from nobody by this policy');
  });
});
