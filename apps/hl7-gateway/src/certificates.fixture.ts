import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const whereThereIsOpenSsl = spawnSync('openssl', ['version']).status === 0 ? describe : describe.skip;

export interface Certified {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own, for tests, by OpenSSL. */
export class Authority {
  readonly file: string;

  constructor(
    private readonly directory: string,
    private readonly name: string,
  ) {
    this.file = this.place('crt');
    this.openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      this.place('key'),
      '-out',
      this.file,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
    );
  }

  /** `subject` as OpenSSL takes it: `/O=Acute trust/CN=pas`. */
  certify(name: string, subject: string): Certified {
    const [key, request, certificate] = ['key', 'csr', 'crt'].map((kind) => this.place(kind, name)) as [string, string, string];
    this.openssl('req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', subject);
    const extensions = this.place('ext', name);
    writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const signing = ['-CA', this.file, '-CAkey', this.place('key'), '-CAcreateserial', '-days', '2', '-extfile', extensions];
    this.openssl('x509', '-req', '-in', request, ...signing, '-out', certificate);
    return {
      certificateFile: certificate,
      keyFile: key,
      cert: readFileSync(certificate, 'utf8'),
      key: readFileSync(key, 'utf8'),
    };
  }

  private place(kind: string, name = 'authority'): string {
    return join(this.directory, `${this.name}-${name}.${kind}`);
  }

  private openssl(...words: readonly string[]): void {
    execFileSync('openssl', words, { stdio: 'ignore' });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
