import { SeatTaken } from '@weft/processing';
import { checkRow, rowChecksum } from './checksum.js';
import type { Database, Statement } from './driver.js';

/** Who may publish under a name: whoever raised its epoch last. Everything here runs within a transaction. */
export class Seats {
  private readonly selectEpoch: Statement;
  private readonly upsertEpoch: Statement;

  constructor(
    database: Database,
    private readonly engine: string,
  ) {
    this.selectEpoch = database.prepare('SELECT epoch, crc FROM seats WHERE name = ?');
    this.upsertEpoch = database.prepare(
      `INSERT INTO seats (name, epoch, crc) VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, crc = excluded.crc`,
    );
  }

  /** Gives the epoch of this taking. */
  take(name: string): number {
    const epoch = this.epoch(name) + 1;
    this.upsertEpoch.run(name, epoch, rowChecksum(name, epoch));
    return epoch;
  }

  /** Throws SeatTaken when it was taken again since. */
  check(name: string, epoch: number): void {
    if (this.epoch(name) !== epoch) throw new SeatTaken(name);
  }

  private epoch(name: string): number {
    const row = this.selectEpoch.get(name) as { epoch: number; crc: number } | undefined;
    if (row === undefined) return 0;
    checkRow(this.engine, `the seat ${name}`, row.crc, name, row.epoch);
    return row.epoch;
  }
}
