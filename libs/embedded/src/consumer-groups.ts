import { InvalidCall } from '@weft/processing';
import { assign, type Member } from './assignment.js';
import { checkRow, rowChecksum } from './checksum.js';
import type { Database, Statement } from './driver.js';
import { isGone, thisProcess, type ProcessIdentity } from './process-identity.js';
import type { TopicTable } from './topic-table.js';

/** By so much a machine's time may be put back as it is kept right, without a lease being void for it. */
const LEASE_SLACK_MS = 1_000;

/** What a member is to read from now on. */
export interface Share {
  /** Every partition that should be its own. */
  readonly wanted: ReadonlySet<number>;
  /** Those newly its own, with the offset to start from. The others become its own once whoever holds them lets go. */
  readonly claimed: ReadonlyMap<number, number>;
}

interface MemberRow {
  readonly member: string;
  readonly topics: string;
  readonly leaseUntil: number;
  readonly process: string;
}

/**
 * Groups as rows: members with leases, and a claim for each partition that one of them reads. A partition is claimed only
 * while nobody else claims it, and an offset is committed only by the claim's holder, in the same transaction: so two
 * members never read one partition at a time, and one that was thought dead cannot move the group's offset.
 * Everything here runs within a transaction.
 */
export class ConsumerGroups {
  private readonly selectMembers: Statement;
  private readonly insertMember: Statement;
  private readonly renewMember: Statement;
  private readonly deleteMember: Statement;
  private readonly selectClaims: Statement;
  private readonly selectHolder: Statement;
  private readonly insertClaim: Statement;
  private readonly deleteClaim: Statement;
  private readonly deleteClaims: Statement;
  private readonly deleteStrayClaims: Statement;
  private readonly selectOffset: Statement;
  private readonly upsertOffset: Statement;

  constructor(
    database: Database,
    private readonly topics: TopicTable,
    private readonly engine: string,
    private readonly leases: { readonly now: () => number; readonly leaseMs: number },
  ) {
    this.selectMembers = database.prepare(
      'SELECT member, topics, lease_until AS leaseUntil, process FROM members WHERE group_name = ?',
    );
    this.insertMember = database.prepare(
      'INSERT INTO members (group_name, member, topics, lease_until, process) VALUES (?, ?, ?, ?, ?)',
    );
    this.renewMember = database.prepare('UPDATE members SET lease_until = ? WHERE group_name = ? AND member = ?');
    this.deleteMember = database.prepare('DELETE FROM members WHERE group_name = ? AND member = ?');
    this.selectClaims = database.prepare('SELECT partition_id AS partitionId, member FROM claims WHERE group_name = ?');
    this.selectHolder = database.prepare('SELECT member FROM claims WHERE group_name = ? AND partition_id = ?');
    this.insertClaim = database.prepare('INSERT INTO claims (group_name, partition_id, member) VALUES (?, ?, ?)');
    this.deleteClaim = database.prepare('DELETE FROM claims WHERE group_name = ? AND partition_id = ? AND member = ?');
    this.deleteClaims = database.prepare('DELETE FROM claims WHERE group_name = ? AND member = ?');
    this.deleteStrayClaims = database.prepare(
      'DELETE FROM claims WHERE group_name = ? AND member NOT IN (SELECT member FROM members WHERE group_name = ?)',
    );
    this.selectOffset = database.prepare('SELECT "offset", crc FROM offsets WHERE group_name = ? AND partition_id = ?');
    this.upsertOffset = database.prepare(
      `INSERT INTO offsets (group_name, partition_id, "offset", crc) VALUES (?, ?, ?, ?)
       ON CONFLICT (group_name, partition_id) DO UPDATE SET "offset" = excluded."offset", crc = excluded.crc`,
    );
    this.checkOffsets(database);
  }

  join(group: string, member: string, topics: readonly string[], leaseUntil: number): void {
    this.sweep(group);
    this.deleteStrayClaims.run(group, group);
    this.insertMember.run(group, member, JSON.stringify(topics), leaseUntil, JSON.stringify(thisProcess));
    this.topics.touchLayout();
  }

  leave(group: string, member: string): void {
    this.deleteClaims.run(group, member);
    this.deleteMember.run(group, member);
    this.topics.touchLayout();
  }

  /** False when the member is one no longer. */
  renew(group: string, member: string, leaseUntil: number): boolean {
    const renewed = Number(this.renewMember.run(leaseUntil, group, member).changes) > 0;
    this.sweep(group);
    return renewed;
  }

  /** Undefined when the member is one no longer. */
  claim(group: string, member: string, from: 'beginning' | 'end'): Share | undefined {
    this.sweep(group);
    const members = this.members(group);
    if (!members.some(({ id }) => id === member)) return undefined;
    const partitions = this.topics.all().flatMap((topic) => topic.partitions.map(({ id }) => ({ id, topic: topic.name })));
    const wanted = new Set(assign(members, partitions).get(member));
    const held = new Set((this.selectClaims.all(group) as { partitionId: number }[]).map(({ partitionId }) => partitionId));
    const claimed = new Map<number, number>();
    for (const id of wanted) {
      if (held.has(id)) continue;
      this.insertClaim.run(group, id, member);
      claimed.set(id, this.start(group, id, from));
    }
    return { wanted, claimed };
  }

  release(group: string, member: string, partitionId: number): void {
    const released = Number(this.deleteClaim.run(group, partitionId, member).changes) > 0;
    if (released) this.topics.touchLayout();
  }

  /** False, and nothing is committed, when the partition is the member's no longer. */
  commit(group: string, member: string, partitionId: number, offset: number): boolean {
    const holder = (this.selectHolder.get(group, partitionId) as { member: string } | undefined)?.member;
    if (holder !== member) return false;
    this.save(group, partitionId, offset);
    return true;
  }

  committed(group: string, partitionId: number): number {
    const row = this.selectOffset.get(group, partitionId) as { offset: number; crc: number } | undefined;
    if (row === undefined) return -1;
    checkRow(this.engine, `an offset of group ${group}`, row.crc, group, partitionId, row.offset);
    return row.offset;
  }

  /** Throws InvalidCall when the group has members. */
  seek(group: string, offsets: ReadonlyMap<number, number>): void {
    this.sweep(group);
    if (this.members(group).length > 0) throw new InvalidCall(`group ${group} has members: stop them before moving it`);
    for (const [partitionId, offset] of offsets) this.save(group, partitionId, offset);
  }

  private save(group: string, partitionId: number, offset: number): void {
    this.upsertOffset.run(group, partitionId, offset, rowChecksum(group, partitionId, offset));
  }

  /** All of them at the start: one that turned into another's would not be missed where it was. */
  private checkOffsets(database: Database): void {
    const rows = database.prepare('SELECT group_name AS "group", partition_id AS partition, "offset", crc FROM offsets').all();
    for (const { group, partition, offset, crc } of rows as { group: string; partition: number; offset: number; crc: number }[]) {
      checkRow(this.engine, `an offset of group ${group}`, crc, group, partition, offset);
    }
  }

  private members(group: string): Member[] {
    const rows = this.selectMembers.all(group) as MemberRow[];
    return rows.map((row) => ({ id: row.member, topics: new Set(JSON.parse(row.topics) as string[]) }));
  }

  /** Where the end is said to be the start, that is settled at once: what comes later is read, whatever happens meanwhile. */
  private start(group: string, partitionId: number, from: 'beginning' | 'end'): number {
    const committed = this.committed(group, partitionId);
    if (committed >= 0) return committed;
    if (from === 'beginning') return 0;
    const high = this.topics.partition(partitionId)?.high ?? 0;
    this.save(group, partitionId, high);
    return high;
  }

  /** Removes members whose lease has run out or whose process is gone. */
  private sweep(group: string): void {
    for (const row of this.selectMembers.all(group) as MemberRow[]) {
      const alive = this.isRunning(row.leaseUntil) && !isGone(row.member, JSON.parse(row.process) as ProcessIdentity);
      if (!alive) this.leave(group, row.member);
    }
  }

  /** A lease that ends later than one taken now was written by a clock that was ahead: it is void, or nobody would read until then. */
  private isRunning(leaseUntil: number): boolean {
    const { now, leaseMs } = this.leases;
    const left = leaseUntil - now();
    return left > 0 && left <= leaseMs + LEASE_SLACK_MS;
  }
}
