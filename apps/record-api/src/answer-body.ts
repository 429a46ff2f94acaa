import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** What is shorter goes in one packet as it is. */
const WORTH_PACKING_BYTES = 1_400;
/** Near the smallest for this kind of text, at a third of the work of the usual level. */
const LEVEL = 3;

/** Bytes as they are sent. */
export interface Encoded {
  readonly bytes: Buffer;
  readonly encoding: 'gzip' | null;
}

/**
 * The bytes of an answer that is kept. From the second time that it is given to somebody who takes gzip it is kept packed alone: it needs
 * a tenth of the room, and is sent as it is kept.
 */
export class AnswerBody {
  private kept: Encoded;
  private packing: Promise<Encoded> | undefined;

  constructor(plain: Buffer) {
    this.kept = { bytes: plain, encoding: null };
  }

  /** What it takes to keep. */
  get length(): number {
    return this.kept.bytes.length;
  }

  async plain(): Promise<Buffer> {
    const { bytes, encoding } = this.kept;
    return encoding === null ? bytes : unpack(bytes);
  }

  /** As it is kept, for somebody who takes gzip. */
  asKept(): Encoded {
    return this.kept;
  }

  /** Packs it, where that is worth it. */
  async pack(): Promise<void> {
    const { bytes, encoding } = this.kept;
    if (encoding !== null || bytes.length < WORTH_PACKING_BYTES) return;
    this.packing ??= pack(bytes, { level: LEVEL }).then((packed) => ({ bytes: packed, encoding: 'gzip' }));
    this.kept = await this.packing;
  }
}

/** Whether a request's Accept-Encoding takes gzip (RFC 9110, 12.5.3): a weight of 0 says that it does not. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  const weights = new Map<string, number>();
  for (const one of (acceptEncoding ?? '').split(',')) {
    const [coding = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    weights.set(coding, weight === undefined ? 1 : Number(weight));
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
