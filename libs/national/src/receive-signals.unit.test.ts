import { EngineUnavailable, MESSAGE_LIMIT_BYTES, type OutgoingMessage } from '@weft/processing';
import type { Delivery, Inbox } from './ports.js';
import { startReceiving } from './receive-signals.js';

/** An inbox, a bus that may be away, and what happened to them, in order. */
class Setting {
  readonly happened: string[] = [];
  readonly waits: number[] = [];
  readonly left: string[] = [];
  isAway = false;
  refusesAcknowledgements = false;
  private readonly messages = new Map<string, Uint8Array | null>();
  private onLook: (() => void) | null = null;

  put(id: string, body: Uint8Array | null = new Uint8Array([1])): void {
    this.messages.set(id, body);
  }

  readonly inbox: Inbox = {
    kind: 'sqs',
    receive: async (signal) => {
      this.onLook?.();
      if (signal.aborted) return [];
      return [...this.messages].map(([id, body]): Delivery => ({ id, body, acknowledge: () => this.acknowledge(id) }));
    },
  };

  readonly bus = {
    publish: async (messages: readonly OutgoingMessage[]) => {
      await Promise.resolve();
      if (this.isAway) throw new EngineUnavailable('bus', 'away');
      this.happened.push(...messages.map(({ topic, key }) => `published ${topic} ${key}`));
      return [];
    },
  };

  private async acknowledge(id: string): Promise<void> {
    if (this.refusesAcknowledgements) throw new EngineUnavailable('sqs', 'away');
    this.messages.delete(id);
    this.happened.push(`acknowledged ${id}`);
  }

  /** Runs until so many looks into the inbox have begun; `before` is given which one begins. */
  async run(looks: number, before: (look: number) => void = () => undefined): Promise<void> {
    let look = 0;
    let enough = (): void => undefined;
    const done = new Promise<void>((resolve) => (enough = resolve));
    this.onLook = () => {
      look += 1;
      before(look);
      if (look === looks) enough();
    };
    const sleep = async (ms: number): Promise<void> => void this.waits.push(ms);
    const receiving = startReceiving({ bus: this.bus, timers: { sleep } }, this.inbox, {
      onFailure: (error) => this.happened.push((error as Error).message),
      onLeft: (id) => this.left.push(id),
    });
    await done;
    await receiving.stop();
  }
}

describe('whoever empties an inbox', () => {
  it('acknowledges what the bus has durably, and only then', async () => {
    const setting = new Setting();
    setting.put('a');
    setting.put('b');
    await setting.run(2);
    const published = 'published weft.national-events sqs';
    expect(setting.happened).toEqual([published, published, 'acknowledged a', 'acknowledged b']);
  });

  it('acknowledges nothing while the bus is away, waits longer each time, and brings it once it is back', async () => {
    const setting = new Setting();
    setting.put('a');
    setting.isAway = true;
    await setting.run(9, (look) => void (setting.isAway = look < 8));
    expect(setting.happened.slice(0, -2)).toEqual(Array(7).fill('bus: away'));
    expect(setting.happened.slice(-2)).toEqual(['published weft.national-events sqs', 'acknowledged a']);
    expect(setting.waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('brings again what could not be acknowledged', async () => {
    const setting = new Setting();
    setting.put('a');
    setting.refusesAcknowledgements = true;
    await setting.run(3, (look) => void (setting.refusesAcknowledgements = look < 2));
    const published = 'published weft.national-events sqs';
    expect(setting.happened).toEqual([published, 'sqs: away', published, 'acknowledged a']);
  });

  it('leaves in the inbox what the bus cannot carry, or what cannot be had whole, and brings the rest', async () => {
    const setting = new Setting();
    setting.put('large', new Uint8Array(MESSAGE_LIMIT_BYTES));
    setting.put('in parts', null);
    setting.put('a');
    await setting.run(2);
    expect(setting.happened).toEqual(['published weft.national-events sqs', 'acknowledged a']);
    expect(setting.left.slice(0, 2)).toEqual(['large', 'in parts']);
  });
});
