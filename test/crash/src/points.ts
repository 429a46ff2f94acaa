/*
 * Places at which a process is killed. Nothing in the engines knows of them: in the child that is to die the driver's own
 * prototypes, and three calls of node:fs, are wrapped before any engine is opened.
 */

/** `within` starts a thread that kills the process while the call runs, or a moment after it. */
type When = 'before' | 'within' | 'after';

export interface Point {
  readonly name: string;
  /** `create` comes about on a new directory only. */
  readonly phase: 'create' | 'work';
  readonly kind: 'sql' | 'fs' | 'port';
  /** SQL text, name of a function of node:fs, or what a port was doing. */
  readonly call: RegExp;
  readonly file?: 'weft.db';
  readonly when: When;
  /** A process is killed at one of the first so many times that it comes by. */
  readonly most: number;
}

const sql = (name: string, when: When, call: RegExp, most: number, file?: Point['file']): Point => ({
  name: `${when} ${name}${file === undefined ? '' : ` of ${file}`}`,
  phase: 'work',
  kind: 'sql',
  call,
  when,
  most,
  ...(file === undefined ? {} : { file }),
});
const each = (whens: readonly When[], name: string, call: RegExp, most: number, file?: Point['file']): Point[] =>
  whens.map((when) => sql(name, when, call, most, file));
const creating = (points: readonly Point[]): Point[] => points.map((point) => ({ ...point, phase: 'create' }));
const port = (when: When, name: string, call: RegExp, most = 4): Point => ({
  name: `${when} ${name}`,
  phase: 'work',
  kind: 'port',
  call,
  when,
  most,
});
const file = (name: string, call: string, when: When): Point => ({
  name: `${when} ${name}`,
  phase: 'create',
  kind: 'fs',
  call: new RegExp(`^${call}$`),
  when,
  most: 2,
});

const AROUND = ['before', 'within', 'after'] as const;
const FILE = 'weft.db';

/** What an engine does to a file of its own. */
export const POINTS: readonly Point[] = [
  ...creating(each(AROUND, 'the draft of a file is made', /PRAGMA page_size/, 2)),
  file('the draft gets its name', 'linkSync', 'before'),
  file('the draft gets its name', 'linkSync', 'after'),
  file('the draft is removed', 'rmSync', 'after'),
  file('the directory is synced', 'fsyncSync', 'before'),
  file('the directory is synced', 'fsyncSync', 'after'),
  ...each(AROUND, 'the opening and recovery', /wal_autocheckpoint/, 1, FILE),
  sql('the integrity check', 'after', /integrity_check/, 1, FILE),
  ...each(['before', 'after'], 'BEGIN', /^BEGIN IMMEDIATE/, 12, FILE),
  ...each(AROUND, 'COMMIT', /^COMMIT/, 12, FILE),
  ...each(AROUND, 'the checkpoint', /^PRAGMA wal_checkpoint/, 1, FILE),
  sql('a stream is made', 'after', /^INSERT INTO streams/, 4),
  sql('a run of events is written', 'after', /^INSERT INTO events/, 12),
  sql('runs that others take the place of are removed', 'after', /^DELETE FROM events/, 2),
  sql('the order of a transaction is written', 'after', /^INSERT INTO commits/, 8),
  sql('a stream is marked as truncated', 'after', /^UPDATE streams/, 2),
  sql('messages are written', 'after', /^INSERT INTO messages/, 12),
  sql('a message of a compacted topic is written', 'after', /^INSERT INTO records/, 12),
  sql('a partition is moved on', 'before', /^UPDATE partitions/, 8),
  sql('a partition is moved on', 'after', /^UPDATE partitions/, 8),
  sql('a superseded message is removed', 'after', /^DELETE FROM records/, 3),
  sql('the latest message of a key is noted', 'after', /^INSERT INTO latest/, 3),
  sql('a member joins', 'after', /^INSERT INTO members/, 2),
  sql('a partition is claimed', 'after', /^INSERT INTO claims/, 4),
  sql('an offset is committed', 'before', /^INSERT INTO offsets/, 8),
  sql('an offset is committed', 'after', /^INSERT INTO offsets/, 8),
  port('before', 'an event is published', /^publish weft\.care-events/),
  port('after', 'an event is published', /^publish weft\.care-events/),
  port('after', 'a number is appended to, its changes not published', /^append careRecord/, 8),
  port('before', 'changes are published', /^publish weft\.record-changes/),
  port('after', 'changes are published, how far not noted', /^publish weft\.record-changes/),
  port('after', 'it is noted how far changes are published', /^append publisher-region/),
  port('after', 'a batch is handled, its offset not committed', /^handle/),
];
