import { mkdtempSync, readdirSync, readFileSync, rmSync, existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PURPOSES } from '@weft/domain';
import { GatewayModule } from '@weft/gateway';
import { Hl7GatewayModule } from '@weft/hl7-gateway';
import { Hl7ProjectorModule } from '@weft/hl7-projector';
import { OptOutProjectorModule } from '@weft/opt-out-projector';
import {
  careEventsTopic,
  CONSENT_TOPIC,
  HL7_PROJECTOR_GROUP,
  hl7v2Topic,
  OPT_OUT_PROJECTOR_GROUP,
  RECORD_PROJECTOR_GROUP,
  type Wiring,
} from '@weft/processing';
import { RecordApiModule } from '@weft/record-api';
import { RecordProjectorModule } from '@weft/record-projector';
import {
  createHttpApp,
  createLogger,
  issueToken,
  listen,
  loadSettings,
  createRegion,
  openWiring,
  organisationsByHl7v2,
  type Role,
  type Service,
} from '@weft/service';

/** Secrets of tests: with the same ones two regions give the same keys, so that their digests can be compared. */
export const SECRETS = {
  WEFT_REGION_SECRET: 'region-secret-of-the-end-to-end-tests',
  WEFT_RESEARCH_SECRET: 'research-secret-of-the-end-to-end-tests',
};

/** The environment without the engines that the tests were given: which of them a process is to use is said to it. */
export function outsideEngines(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^WEFT_(KAFKA|EVENTSTORE)_/.test(name)));
}

/** A request, and who makes it. */
export interface AskInit extends RequestInit {
  /** ODS code. */
  readonly organisation?: string;
  readonly subject?: string;
}

/** A whole Weft in this process, on the embedded engines, in a directory of its own. */
export interface Region {
  readonly url: string;
  readonly app: Awaited<ReturnType<typeof createHttpApp>>;
  readonly service: Service;
  readonly wiring: Wiring;
  /** A request by somebody of RX901, or another organisation, with these roles, for every purpose. */
  as(roles: readonly Role[], path: string, init?: AskInit): Promise<Response>;
  /** Resolves once the projectors have dealt with everything published. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** `log` is given every line of the log, the least important too; `listeners` are those for HL7 v2, as their file has them. */
export async function startRegion(
  given: { readonly directory?: string; readonly log?: (line: string) => void; readonly listeners?: readonly object[] } = {},
): Promise<Region> {
  const directory = given.directory ?? mkdtempSync(join(tmpdir(), 'weft-e2e-'));
  const listeners = join(directory, 'listeners.json');
  if (given.listeners !== undefined) writeFileSync(listeners, JSON.stringify(given.listeners));
  const settings = loadSettings({
    ...{ ...SECRETS, WEFT_DATA_DIR: directory, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'fatal' },
    ...(given.listeners !== undefined && { WEFT_HL7V2_LISTENERS: listeners }),
  });
  const log = given.log === undefined ? undefined : createLogger({ logLevel: 'trace' }, { write: given.log });
  const service = await createRegion(settings, log && { log });
  const wiring = openWiring(service);
  const modules = [GatewayModule, RecordApiModule, RecordProjectorModule, OptOutProjectorModule].map((one) =>
    one.register(wiring),
  );
  const byHl7v2 = given.listeners === undefined ? [] : [Hl7GatewayModule, Hl7ProjectorModule.register(wiring)];
  const app = await createHttpApp(service, [...modules, ...byHl7v2]);
  const url = await listen(app, settings);
  const tokens = new Map<string, string>();
  return {
    url,
    app,
    service,
    wiring,
    async as(roles, path, { organisation = 'RX901', subject, ...init } = {}) {
      const who = `${roles.join()} ${organisation} ${subject}`;
      const token =
        tokens.get(who) ?? (await issueToken(settings, service.clock, { roles, organisation, subject, purposes: PURPOSES }));
      tokens.set(who, token);
      return fetch(`${url}${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
    },
    settled: () =>
      settled(wiring, [
        ...organisationsByHl7v2(settings).map((ods) => [HL7_PROJECTOR_GROUP, hl7v2Topic(ods)] as const),
        ...settings.organisations.map(({ ods }) => [RECORD_PROJECTOR_GROUP, careEventsTopic(ods)] as const),
        [OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC],
      ]),
    async close() {
      await app.close();
      if (given.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** In this order: what one group makes another reads. */
async function settled({ bus, timers }: Wiring, groups: readonly (readonly [group: string, topic: string])[]): Promise<void> {
  for (const [group, topic] of groups) {
    for (;;) {
      const [ends, committed] = await Promise.all([bus.offsets(topic), bus.committed(group, topic)]);
      const offsets = new Map(committed.map(({ partition, offset }) => [partition, offset]));
      if (ends.every(({ partition, low, high }) => high === low || (offsets.get(partition) ?? -1) >= high)) break;
      await timers.sleep(20);
    }
  }
}

export interface Sample {
  readonly organisation: string;
  readonly nhsNumber: string;
  readonly path: string;
  readonly text: string;
}

/**
 * The sample Bundles beside the checkout, or wherever WEFT_SAMPLES says, `<ODS code>/<NHS number>.json`: what each of four
 * organisations would publish of 48 people. None where there are none.
 */
export function samples(): readonly Sample[] {
  const root = process.env['WEFT_SAMPLES'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'fhir');
  if (!existsSync(root)) return [];
  return readdirSync(root).flatMap((organisation) =>
    readdirSync(join(root, organisation)).map((file) => ({
      organisation,
      nhsNumber: file.replace('.json', ''),
      path: join(root, organisation, file),
      text: readFileSync(join(root, organisation, file), 'utf8'),
    })),
  );
}

export async function publishBundle(region: Region, { organisation, text }: Sample): Promise<void> {
  const headers = { 'content-type': 'application/fhir+json' };
  const response = await region.as(['publisher'], '/fhir', { method: 'POST', organisation, body: text, headers });
  const answer = await response.text();
  if (response.status !== 200 || /"severity":"(?:error|fatal)"/.test(answer))
    throw new Error(`the Bundle was answered ${response.status}: ${answer}`);
}
