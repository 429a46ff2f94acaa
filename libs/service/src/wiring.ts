import { createHmac } from 'node:crypto';
import { createMessageReader, type Seal, sealMessage } from '@weft/care-events';
import { projectionsOf, releaseWith, type Policy, type Problem } from '@weft/domain';
import {
  CARE_EVENTS_PREFIX,
  type Message,
  type MessageReader,
  type Organisations,
  PolicyBook,
  type Wiring,
} from '@weft/processing';
import { type StatementKey, statementKey } from '@weft/reconciliation';
import { keySecrets } from './keys.js';
import type { Service } from './service.js';
import type { Settings } from './settings.js';

/** Nest's token for the Wiring. */
export const WIRING = Symbol('Wiring');

/** What processing reaches the world through, of a service whose engines are open. */
export function openWiring(service: Service): Wiring {
  const { bus, store, clock, timers, random, keys } = service;
  return {
    bus,
    store,
    clock,
    timers,
    random,
    keys,
    reader: readerOf(service),
    projections: projectionsOf(releaseWith(service.releasedCodes)),
    policies: new PolicyBook(store, clock, random),
  };
}

/**
 * Reads what is on the bus. What no gateway has sealed is judged by the organisations that might send when the bus had it: what was
 * acceptable then is so whenever it is read.
 */
function readerOf({ settings, clock, organisations }: Service): MessageReader {
  const seal = sealOf(settings);
  const by = (known: Organisations): MessageReader => createMessageReader({ organisations: known, now: () => clock.now(), seal });
  return {
    careEvent(message) {
      const { known } = organisations;
      const sending = organisations.sendingAt(message.timestamp);
      const reading = by(sending).careEvent(message);
      if (reading.ok || sending === known) return reading;
      return { ok: false, problems: reading.problems.map((one) => (isSuspension(one, message, known) ? SUSPENDED : one)) };
    },
    decision(message) {
      const { known } = organisations;
      const reading = by(known).decision(message);
      // What a decision says is read by all; only who sent it is judged by those that might.
      if (!reading.ok || reading.event.isVetted) return reading;
      const sending = organisations.sendingAt(message.timestamp);
      return sending === known ? reading : by(sending).decision(message);
    },
  };
}

const SUSPENDED: Problem = {
  field: 'source',
  code: 'suspended-organisation',
  message: 'is of an organisation that was suspended when this came',
};

const isSuspension = ({ field, code }: Problem, { topic }: Message, known: Organisations): boolean =>
  field === 'source' && code === 'unknown-organisation' && known.has(topic.slice(CARE_EVENTS_PREFIX.length));

/** What the gateway seals validated messages with and the projectors know them by; made of the region's secret, and not it. */
export const sealOf = (settings: Settings): Seal => sealMessage(madeOfRegionSecret(settings, 'seal'));

/** What cursors of feeds are sealed with; made of the region's secret, and not it, nor what messages are sealed with. */
export const cursorSecretOf = (settings: Settings): Buffer => madeOfRegionSecret(settings, 'cursor');

/** What statements of reconciliation are signed with: made of the integrity secret, which no reader of the store has. */
export const statementKeyOf = (settings: Settings): StatementKey =>
  statementKey(createHmac('sha256', keySecrets(settings).integrity).update('statements').digest());

const madeOfRegionSecret = (settings: Settings, use: 'seal' | 'cursor'): Buffer =>
  createHmac('sha256', keySecrets(settings).region).update(use).digest();

/** What kind each organisation is, by ODS code: what a policy is adopted with. */
export const kindsOf = ({ organisations }: Pick<Settings, 'organisations'>): Policy['organisations'] =>
  Object.fromEntries(organisations.map(({ ods, kind }) => [ods, kind]));
