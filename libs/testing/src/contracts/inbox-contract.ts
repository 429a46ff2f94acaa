import type { Delivery, Inbox } from '@weft/national';

export interface InboxHarness {
  readonly inbox: Inbox;
  /** Another process that reads the same inbox. */
  readonly another: Inbox;
  put(body: string): void;
  /** How many messages nobody has acknowledged. */
  count(): number;
  /** What was received and not acknowledged may be given again. */
  giveAgain(): void;
  close(): Promise<void>;
}

/** What Inbox promises. */
export function describeInbox(name: string, open: () => Promise<InboxHarness>): void {
  describe(name, () => {
    let harness: InboxHarness;
    beforeEach(async () => void (harness = await open()));
    afterEach(() => harness.close());

    const { signal } = new AbortController();
    const textOf = ({ body }: Delivery): string => new TextDecoder().decode(body ?? new Uint8Array());
    async function received(inbox: Inbox, count: number): Promise<Delivery[]> {
      const found: Delivery[] = [];
      while (found.length < count) found.push(...(await inbox.receive(signal)));
      return found;
    }

    it('gives what is there, as it came', async () => {
      harness.put('{"a":"é"}');
      harness.put('no JSON');
      expect((await received(harness.inbox, 2)).map(textOf).sort()).toEqual(['no JSON', '{"a":"é"}']);
    });

    it('gives nothing where nothing comes', async () => {
      expect(await harness.inbox.receive(signal)).toEqual([]);
    });

    it('gives more than one look has room for', async () => {
      const bodies = Array.from({ length: 23 }, (_, index) => `message ${index}`);
      for (const body of bodies) harness.put(body);
      const found = new Set<string>();
      while (found.size < bodies.length) {
        for (const delivery of await harness.inbox.receive(signal)) {
          found.add(textOf(delivery));
          await delivery.acknowledge();
        }
      }
      expect([...found].sort()).toEqual([...bodies].sort());
      expect(harness.count()).toBe(0);
    });

    it('gives again what was not acknowledged, to whoever asks, and what was to nobody', async () => {
      harness.put('first');
      harness.put('second');
      for (const delivery of await received(harness.inbox, 2)) if (textOf(delivery) === 'first') await delivery.acknowledge();
      harness.giveAgain();
      expect((await received(harness.another, 1)).map(textOf)).toEqual(['second']);
      expect(harness.count()).toBe(1);
    });

    it('bears an acknowledgement that comes again', async () => {
      harness.put('once');
      const [delivery] = await received(harness.inbox, 1);
      await delivery!.acknowledge();
      await delivery!.acknowledge();
      expect(harness.count()).toBe(0);
    });

    it('ends a look that is waited for no longer', async () => {
      const stopping = new AbortController();
      const looking = harness.inbox.receive(stopping.signal).catch(() => []);
      stopping.abort();
      expect(await looking).toEqual([]);
    });
  });
}
