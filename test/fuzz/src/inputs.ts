import { careEventsTopic, CONSENT_TOPIC, type OutgoingMessage } from '@weft/processing';
import { DECISION_TYPE } from '@weft/domain';
import { Prng } from '@weft/testing';
import { mutated, mutatedHeaders } from './mutations.js';
import { bundle, consent, event, FUZZED, ORGANISATIONS, type Json } from './specimens.js';

/** What is sent: onto a topic by somebody with the right to write there, or to the gateway. */
export type Input =
  | { readonly kind: 'message'; readonly message: OutgoingMessage }
  | {
      readonly kind: 'request';
      readonly method: 'POST' | 'GET';
      readonly path: string;
      readonly organisation: string;
      readonly role: 'publisher' | 'governance';
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: Buffer;
    };

/** The inputs of one round: the same for the same seed and round, each by draws of its own, so that any may be left out. */
export function inputsOf(seed: number, round: number, count: number): Input[] {
  return Array.from({ length: count }, (_, index) => {
    const prng = new Prng(seed * 100_003 + round, index);
    return prng.chance(0.6) ? message(prng, `m${round}-${index}`) : request(prng, `h${round}-${index}`);
  });
}

function message(prng: Prng, id: string): Input {
  const one = event(prng, prng.chance(0.1) ? `again-${prng.below(3)}` : id);
  const { data, ...attributes } = one;
  const isDecision = one['type'] === DECISION_TYPE;
  const organisation = prng.chance(0.95) ? String(one['source']).slice('urn:ods:'.length) : prng.pick(ORGANISATIONS);
  const topic = isDecision !== prng.chance(0.03) ? CONSENT_TOPIC : careEventsTopic(organisation);
  const key = prng.chance(0.95)
    ? String(one['subject'])
    : prng.pick([...FUZZED, '', 'no number', '9'.repeat(5_000), '999 000 0018']);
  const isStructured = prng.chance(0.3);
  const binary = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name === 'datacontenttype' ? 'content-type' : `ce_${name}`,
      String(value),
    ]),
  );
  const headers = mutatedHeaders(prng, isStructured ? { 'content-type': 'application/cloudevents+json' } : binary);
  const value = prng.chance(0.02) ? null : mutated(prng, isStructured ? one : (data as Json));
  return { kind: 'message', message: fitting({ topic, key, headers, value }) };
}

/** The bus itself takes no more: what is above its limit is cut, as a producer's own library would refuse it. */
function fitting(message: OutgoingMessage): OutgoingMessage {
  const room = 1_048_576 - Buffer.byteLength(message.key) - Buffer.byteLength(Object.entries(message.headers).flat().join(''));
  const { value } = message;
  return value === null || value.length <= room ? message : { ...message, value: value.subarray(0, room) };
}

function request(prng: Prng, id: string): Input {
  const organisation = prng.pick(ORGANISATIONS);
  const publisher = { kind: 'request', method: 'POST', organisation, role: 'publisher' } as const;
  const json = (path: string, type: string, value: Json): Input => ({
    ...{ ...publisher, path, headers: httpHeaders(prng, { 'content-type': type }), body: mutated(prng, value) },
  });
  const own = (): { [name: string]: Json } => ({ ...event(prng, id), source: `urn:ods:${organisation}` });
  return prng.pick<() => Input>([
    () => json('/events', 'application/cloudevents+json', own()),
    () => {
      const { data, ...attributes } = own();
      const named = Object.entries(attributes).map(([name, value]) => [
        name === 'datacontenttype' ? 'content-type' : `ce-${name}`,
        String(value),
      ]);
      const headers = httpHeaders(prng, Object.fromEntries(named) as Record<string, string>);
      return { ...publisher, path: '/events', headers, body: mutated(prng, data as Json) };
    },
    () => {
      const events = Array.from({ length: prng.between(0, 4) }, (_, index): Json => ({ ...own(), id: `${id}-${index}` }));
      return json('/events', 'application/cloudevents-batch+json', events);
    },
    () => json('/fhir', 'application/fhir+json', bundle(prng)),
    () => ({
      ...(json('/consents', 'application/fhir+json', consent(prng, prng.pick(FUZZED), `c${prng.below(3)}`)) as Input & {
        kind: 'request';
      }),
      role: prng.pick(['publisher', 'governance']),
    }),
    () => ({
      ...{ kind: 'request', method: 'GET', organisation, role: 'governance', headers: {} },
      path: `/consents/${encodeURIComponent(prng.pick([id, '', '..', '\u0000', 'x'.repeat(300), '__proto__']))}`,
    }),
  ])();
}

/** What a client's own library lets through: no control characters, and Latin-1. */
function httpHeaders(prng: Prng, headers: Readonly<Record<string, string>>): Record<string, string> {
  const changed = mutatedHeaders(prng, { ...headers, prefer: 'respond-async' });
  return Object.fromEntries(
    Object.entries(changed).filter(
      ([name, value]) => /^[A-Za-z0-9_-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]{0,4000}$/.test(value),
    ),
  );
}
