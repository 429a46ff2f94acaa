import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';

/** A file that is appended to: whoever waits at one time shares one write and one fdatasync. */
export class DurableFile {
  private readonly file: number;
  private waiting: { readonly bytes: Uint8Array; readonly done: () => void }[] = [];

  constructor(path: string) {
    this.file = openSync(path, 'w');
  }

  /** Resolves once the bytes are on the disk. */
  append(bytes: Uint8Array): Promise<void> {
    return new Promise((done) => {
      if (this.waiting.push({ bytes, done }) === 1) setImmediate(() => this.flush());
    });
  }

  close(): void {
    closeSync(this.file);
  }

  private flush(): void {
    const group = this.waiting;
    this.waiting = [];
    writeSync(this.file, Buffer.concat(group.map(({ bytes }) => bytes)));
    fdatasyncSync(this.file);
    for (const { done } of group) done();
  }
}
