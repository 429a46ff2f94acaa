import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeDatabase, openDatabase } from './database.js';
import type { Database } from './driver.js';
import { ForeignCommits } from './foreign-commits.js';
import { SCHEMA } from './schemas.js';
import { systemRandom, systemTimers } from './system.js';
import { TopicTable } from './topic-table.js';

describe('topics as another connection sees them', () => {
  let directory: string;
  let databases: Database[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'weft-topics-'));
  });
  afterEach(async () => {
    for (const database of databases) closeDatabase(database, SCHEMA.file);
    databases = [];
    await rm(directory, { recursive: true });
  });

  const connect = async (): Promise<Database> => {
    const waiting = { timers: systemTimers, random: systemRandom, lockTimeoutMs: 1_000 };
    const { database } = await openDatabase(directory, SCHEMA, waiting);
    databases.push(database);
    return database;
  };
  const upToDate = (database: Database): TopicTable => {
    const table = new TopicTable(database, SCHEMA.file);
    table.refresh();
    return table;
  };
  const commit = (database: Database, table: TopicTable, change: () => void): void => {
    database.exec('BEGIN IMMEDIATE');
    change();
    table.beforeCommit();
    database.exec('COMMIT');
    table.committed();
  };

  it('hold every partition of a topic that was made while they were looked at', async () => {
    const [ours, theirs] = [await connect(), await connect()];
    const other = upToDate(theirs);
    let isMade = false;
    const makeMeanwhile = (): void => {
      if (!isMade) commit(theirs, other, () => other.create({ topic: 'made-meanwhile', partitions: 3 }));
      isMade = true;
    };
    const interrupted: Database = {
      exec: (sql) => ours.exec(sql),
      close: () => undefined,
      prepare: (sql) => {
        const statement = ours.prepare(sql);
        const all: typeof statement.all = (...parameters) => {
          const rows = statement.all(...parameters);
          if (sql.includes('FROM topics')) makeMeanwhile();
          return rows;
        };
        const bound = { run: statement.run.bind(statement), get: statement.get.bind(statement) };
        return { ...bound, all, iterate: statement.iterate.bind(statement) };
      },
    };
    const table = upToDate(interrupted);
    expect(table.find('made-meanwhile')).toBeUndefined();
    table.refresh();
    expect(table.find('made-meanwhile')?.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
  });

  it('are looked at before they are believed: what is committed while a connection opens is not missed', async () => {
    const [ours, theirs] = [await connect(), await connect()];
    const other = upToDate(theirs);
    const table = new TopicTable(ours, SCHEMA.file);
    commit(theirs, other, () => other.create({ topic: 'made-meanwhile', partitions: 1 }));
    const foreign = new ForeignCommits(ours, { timers: systemTimers, pollMs: 5, onForeignCommit: () => table.refresh() });
    foreign.look();
    expect(table.find('made-meanwhile')?.partitions).toHaveLength(1);
  });
});
