import { createHmac } from 'node:crypto';
import { createMessageReader, type Seal, sealMessage } from '@weft/care-events';
import {
  adoptionProblems,
  DEFAULT_POLICY_NAME,
  DEFAULT_RULES,
  type Organisation,
  policyFrom,
  PROJECTIONS,
  type Policy,
  type PolicyDocument,
} from '@weft/domain';
import { NO_STREAM, POLICY_STREAM, PolicyBook, regionTopics, type Wiring } from '@weft/processing';
import { keySecrets } from './keys.js';
import type { Service } from './service.js';
import { type Settings, SettingsError } from './settings.js';

/** Nest's token for the Wiring. */
export const WIRING = Symbol('Wiring');

/** Partitions of an embedded topic: enough for several projector processes on one machine. */
const EMBEDDED_PARTITIONS = 4;

/**
 * What processing reaches the world through, of a service whose engines are open. On the embedded bus the region's topics
 * are created; on Kafka they are the operators' (weft topics). The first policy is adopted where there was none yet.
 */
export async function openWiring(service: Service): Promise<Wiring> {
  const { settings, bus, store, clock, timers, random, keys } = service;
  if (settings.kafka === undefined) await bus.createTopics(regionTopics(settings.organisations, EMBEDDED_PARTITIONS));
  const reader = createMessageReader({
    organisations: organisationsOf(settings),
    now: () => clock.now(),
    seal: sealOf(settings),
  });
  return {
    bus,
    store,
    clock,
    timers,
    random,
    keys,
    reader,
    projections: PROJECTIONS,
    policies: new PolicyBook(store, clock, random),
  };
}

/** What the gateway seals validated messages with and the projectors know them by; made of the region's secret, and not it. */
export const sealOf = (settings: Settings): Seal =>
  sealMessage(createHmac('sha256', keySecrets(settings).region).update('seal').digest());

export const organisationsOf = ({ organisations }: Settings): ReadonlyMap<string, Organisation> =>
  new Map(organisations.map((organisation) => [organisation.ods, organisation]));

/** What kind each organisation is, by ODS code: what a policy is adopted with. */
export const kindsOf = ({ organisations }: Settings): Policy['organisations'] =>
  Object.fromEntries(organisations.map(({ ods, kind }) => [ods, kind]));

/**
 * The policy that the region is to have: the one the settings name; else the one in force, which governance may have
 * adopted; else the shipped one. In each case with the kinds of organisations that the settings say. Throws SettingsError.
 */
export async function policyOf({ settings, store }: Service, policies: PolicyBook): Promise<Policy> {
  const organisations = kindsOf(settings);
  if (settings.policy !== undefined) {
    const problems = adoptionProblems(settings.policy, organisations);
    if (problems.length > 0) {
      throw new SettingsError(problems.map(({ field, message }) => ({ setting: 'WEFT_POLICY', message: `${field} ${message}` })));
    }
    return policyFrom(settings.policy as PolicyDocument, organisations);
  }
  if ((await store.head(POLICY_STREAM)) === NO_STREAM) {
    return policyFrom({ name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES }, organisations);
  }
  return { ...(await policies.current()).policy, organisations };
}
