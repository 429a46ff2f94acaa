import type { Resource } from '../vocabulary.js';
import { provision, type Decision, type Limit, type Provision, type Recorder } from './decision.js';
import { DEFAULT_RULES } from './default-policy.js';
import type { Policy } from './policy.js';
import type { JudgedEntry } from './judged-entry.js';

export const NOW = Date.parse('2026-06-15T12:00:00Z');
export const DAY = 86_400_000;
export const POLICY: Policy = {
  name: 'test',
  rules: DEFAULT_RULES,
  organisations: { Y90001: 'gp', RX901: 'acute', RX902: 'mental-health' },
};

export const GOVERNANCE: Recorder = { as: 'governance', organisation: null, subject: 'ig' };
export const NDOO: Recorder = { as: 'ndoo-import', organisation: null, subject: 'ndoo' };
export const organisation = (ods: string | null): Recorder => ({ as: 'organisation', organisation: ods, subject: null });

let decided = 0;
/** A decision of governance's, each made a second after the one before, and received when it was made. */
export function decision(given: Partial<Omit<Decision, 'provision'>>, said: Provision): Decision {
  decided += 1;
  return {
    ...{ id: `d${decided}`, source: 'urn:weft:governance', consentId: `c${decided}`, digest: '' },
    ...{ authority: 'local-dissent', status: 'active', decidedBy: 'not-stated', recorder: GOVERNANCE },
    ...{ receivedAt: NOW - 100 * DAY + decided * 1000, recordedAt: new Date(NOW).toISOString() },
    ...given,
    provision: said,
  };
}

export const { deny, permit } = {
  deny: (purposes: Provision['purposes'], ...limits: Limit[]) => provision('deny', purposes, { limits }),
  permit: (purposes: Provision['purposes'], ...limits: Limit[]) => provision('permit', purposes, { limits }),
};

export function entry(
  recordedBy: string,
  name: `${string}/${string}`,
  members: Record<string, unknown> = {},
  more: Partial<JudgedEntry> = {},
): JudgedEntry {
  const [resourceType = '', id = ''] = name.split('/');
  const resource = { resourceType, id, ...members } as Resource;
  return { id: `${recordedBy}/${name}`, organisation: recordedBy, resourceType, occurredAt: null, resource, ...more };
}
