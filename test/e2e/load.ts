import { randomUUID } from 'node:crypto';
import { NHS_NUMBER_SYSTEM } from '@weft/care-events';
import type { Processes, Running } from './processes.js';

const ORGANISATIONS = ['Y90001', 'RX901', 'RX902', 'RX903'];
const PEOPLE = 40;
const EVENTS_A_REQUEST = 10;
/** Between two requests of one organisation: without it they publish all that the machine can do while something restarts. */
const PAUSE_MS = 100;

export interface Told {
  readonly organisation: string;
  readonly nhsNumber: string;
  /** The FHIR resource's and the event's. */
  readonly id: string;
}

/** Ten digits, the last of them the check digit; null where there is none. */
function nhsNumber(nine: number): string | null {
  const digits = String(nine).padStart(9, '0');
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? null : `${digits}${check}`;
}

/** Numbers of the range that is kept for tests. */
export function nhsNumbers(count: number): string[] {
  const found: string[] = [];
  for (let nine = 999_100_000; found.length < count; nine += 1) {
    const number = nhsNumber(nine);
    if (number !== null) found.push(number);
  }
  return found;
}

export function careEvent({ organisation, nhsNumber: subject, id }: Told, text = 'Asthma') {
  return {
    specversion: '1.0',
    id,
    source: `urn:ods:${organisation}`,
    type: 'care-event-recorded-1',
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/fhir+json',
    data: {
      resourceType: 'Condition',
      id,
      subject: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: subject } },
      code: { text },
    },
  };
}

/** Organisations that publish through the gateway, one entry an event, and remember what was acknowledged. */
export class Load {
  readonly acknowledged: Told[] = [];
  readonly people = nhsNumbers(PEOPLE);
  /** Of each organisation how many: each comes round to everybody, however the others keep step. */
  private readonly told = new Map<string, number>();
  private publishing = false;
  private publishers: Promise<void>[] = [];

  constructor(
    private readonly region: Processes,
    readonly gateway: Running,
    /** Makes every event so much larger. */
    private readonly padding = 'Asthma',
  ) {}

  /** Every organisation publishes until `stop`; what a broker that is away keeps from being acknowledged is sent again. */
  start(): void {
    this.publishing = true;
    this.publishers = ORGANISATIONS.map(async (organisation) => {
      while (this.publishing) {
        await this.publish(organisation);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    });
  }

  async stop(): Promise<void> {
    this.publishing = false;
    await Promise.all(this.publishers);
  }

  async more(events: number): Promise<void> {
    const enough = this.acknowledged.length + events;
    for (let n = 0; this.acknowledged.length < enough; n += 1) await this.publish(ORGANISATIONS[n % ORGANISATIONS.length]!);
  }

  /** Sends one request again and again until all of it is durable: the same ids, so that what came twice is known to be one. */
  async publish(organisation: string, events = EVENTS_A_REQUEST): Promise<Told[]> {
    const told = Array.from({ length: events }, () => this.next(organisation));
    const body = JSON.stringify(told.map((one) => careEvent(one, this.padding)));
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    for (;;) {
      const sent = this.region.as(['publisher'], `${this.gateway.url}/events`, { method: 'POST', organisation, body, headers });
      const status = await sent.then(
        async (response) => (await response.arrayBuffer(), response.status),
        () => 0,
      );
      if (status === 202) break;
      if (status !== 0 && status !== 503) throw new Error(`the events were answered ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    this.acknowledged.push(...told);
    return told;
  }

  private next(organisation: string): Told {
    const told = (this.told.get(organisation) ?? 0) + 1;
    this.told.set(organisation, told);
    return { organisation, nhsNumber: this.people[told % PEOPLE]!, id: randomUUID() };
  }
}
