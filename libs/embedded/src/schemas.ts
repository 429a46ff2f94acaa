import type { Schema } from './database.js';
import { dictionarySql } from './packing.js';

/**
 * One file for both ports. Of the store: `events` holds each stream's events side by side, as runs (see stored-run.ts), so a stream's
 * head is the end of its last run: an append truncates only what stands before itself, so that is always there. `commits` is the one
 * order of all streams: one row a transaction, given by the one writer that holds the lock. Of the bus: `bus.layout` counts the
 * changes of who reads what, `partitions.changed` those of one partition: see TopicTable. `messages` holds one row a partition and
 * transaction; of compacted topics `records` holds one row or more a partition key and transaction, and `latest` says in which one
 * each key's last message is. The id of such a row is its partition and first offset in one number, that of a run its stream and first revision.
 */
export const SCHEMA: Schema = {
  file: 'weft.db',
  applicationId: 0x57_45_46_54,
  version: 4,
  sql: `
    CREATE TABLE streams (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      truncated_before INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE events (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE commits (position INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE bus (layout INTEGER NOT NULL);
    INSERT INTO bus VALUES (0);
    CREATE TABLE topics (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      compacted INTEGER NOT NULL,
      retention_ms INTEGER,
      crc INTEGER NOT NULL
    );
    CREATE TABLE partitions (
      id INTEGER PRIMARY KEY,
      topic_id INTEGER NOT NULL REFERENCES topics (id),
      partition INTEGER NOT NULL,
      high INTEGER NOT NULL,
      last_timestamp INTEGER NOT NULL,
      changed INTEGER NOT NULL,
      crc INTEGER NOT NULL,
      UNIQUE (topic_id, partition)
    );
    CREATE TABLE messages (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE records (
      id INTEGER PRIMARY KEY,
      tombstones INTEGER NOT NULL,
      body BLOB NOT NULL
    );
    CREATE INDEX tombstones ON records (id) WHERE tombstones > 0;
    CREATE TABLE latest (
      partition_id INTEGER NOT NULL,
      key BLOB NOT NULL,
      record_id INTEGER NOT NULL,
      crc INTEGER NOT NULL,
      PRIMARY KEY (partition_id, key)
    ) WITHOUT ROWID;
    CREATE TABLE offsets (
      group_name TEXT NOT NULL,
      partition_id INTEGER NOT NULL,
      "offset" INTEGER NOT NULL,
      crc INTEGER NOT NULL,
      PRIMARY KEY (group_name, partition_id)
    ) WITHOUT ROWID;
    CREATE TABLE members (
      group_name TEXT NOT NULL,
      member TEXT NOT NULL,
      topics TEXT NOT NULL,
      lease_until INTEGER NOT NULL,
      process TEXT NOT NULL,
      PRIMARY KEY (group_name, member)
    ) WITHOUT ROWID;
    CREATE TABLE claims (
      group_name TEXT NOT NULL,
      partition_id INTEGER NOT NULL,
      member TEXT NOT NULL,
      PRIMARY KEY (group_name, partition_id)
    ) WITHOUT ROWID;
    CREATE TABLE seats (
      name TEXT NOT NULL PRIMARY KEY,
      epoch INTEGER NOT NULL,
      crc INTEGER NOT NULL
    ) WITHOUT ROWID;
    ${dictionarySql()}`,
};
