import type { Schema } from './database.js';
import { dictionarySql } from './packing.js';

/**
 * A stream's head is its highest revision in `events`: an append truncates only what stands before itself, so the last event
 * is always there. Positions are given by the one writer that holds the lock, so their order is the order of the commits.
 */
export const STORE_SCHEMA: Schema = {
  file: 'store.db',
  applicationId: 0x57_45_46_53,
  version: 1,
  sql: `
    CREATE TABLE streams (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      truncated_before INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE events (
      position INTEGER PRIMARY KEY,
      stream_id INTEGER NOT NULL REFERENCES streams (id),
      revision INTEGER NOT NULL,
      body BLOB NOT NULL
    );
    CREATE UNIQUE INDEX events_by_stream ON events (stream_id, revision);
    ${dictionarySql()}`,
};

const SEATS = `
    CREATE TABLE seats (
      name TEXT NOT NULL PRIMARY KEY,
      epoch INTEGER NOT NULL,
      crc INTEGER NOT NULL
    ) WITHOUT ROWID;`;

/**
 * `bus.layout` counts the changes of who reads what, `partitions.changed` those of one partition: see TopicTable. The id of a
 * record is its partition and offset in one number: see recordId. `latest` is kept for compacted topics only.
 */
export const BUS_SCHEMA: Schema = {
  file: 'bus.db',
  applicationId: 0x57_45_46_42,
  version: 2,
  upgrade: SEATS,
  sql: `
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
    CREATE TABLE records (
      id INTEGER PRIMARY KEY,
      timestamp INTEGER NOT NULL,
      content BLOB NOT NULL,
      tombstone INTEGER NOT NULL,
      crc INTEGER NOT NULL
    );
    CREATE INDEX tombstones ON records (id) WHERE tombstone = 1;
    CREATE TABLE latest (
      partition_id INTEGER NOT NULL,
      key BLOB NOT NULL,
      record_id INTEGER NOT NULL,
      crc INTEGER NOT NULL,
      PRIMARY KEY (partition_id, key)
    ) WITHOUT ROWID;
    CREATE TABLE commits (
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
    ) WITHOUT ROWID;${SEATS}
    ${dictionarySql()}`,
};
