import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '@weft/embedded';
import { applyPolicy, bytesOf, careRecordStream, NO_STREAM } from '@weft/processing';
import { createRegion, firstPolicy, loadSettings, openWiring } from '@weft/service';
import { EXIT } from './failure.js';
import { listening, send } from './server.fixture.js';
import { runWeft } from './weft.fixture.js';

const KEYS = { damaged: '0'.repeat(32), newer: '1'.repeat(32) };
const UNREADABLE = [
  { key: KEYS.damaged, why: 'record-damaged' },
  { key: KEYS.newer, why: 'written-by-a-newer-weft' },
];

describe('records that cannot be read', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-unreadable-'));
  const env = { WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent' };
  const weft = (line: string, more: Record<string, string> = {}) => runWeft(line, { ...env, ...more });

  beforeAll(async () => {
    const settings = loadSettings(env);
    const service = await createRegion(settings);
    await applyPolicy(openWiring(service), firstPolicy(settings));
    await service.close();
    const store = await openEmbeddedStore({ directory });
    const event = (type: string) => ({
      ...{ id: crypto.randomUUID(), type },
      data: bytesOf(JSON.stringify({ recordedAt: '2026-01-01T00:00:00.000Z' })),
    });
    await store.append(careRecordStream(KEYS.damaged), NO_STREAM, [event('views-derived-1')]);
    await store.append(careRecordStream(KEYS.damaged), 0, [event('views-derived-1')], { truncatesPrevious: true });
    await store.append(careRecordStream(KEYS.newer), NO_STREAM, [event('care-event-recorded-9')]);
    await store.close();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('are named by verify, with why, and it ends with exit code 1', async () => {
    const { out, exitCode } = await weft('verify');
    expect(exitCode).toBe(EXIT.finding);
    for (const { key, why } of UNREADABLE) expect(out).toMatch(new RegExp(`${key} +${why}`));
    expect(out).toContain('✗ 2 records cannot be read');
    expect(JSON.parse((await weft('verify --json')).out)).toMatchObject({ unreadable: UNREADABLE });
  });

  it('are named by a replay, which looks at everybody and ends with exit code 1', async () => {
    const { out, exitCode } = await weft('replay research --dry-run --json');
    expect([exitCode, JSON.parse(out)]).toEqual([EXIT.finding, expect.objectContaining({ done: 2, unreadable: UNREADABLE })]);
    expect((await weft('replay research --dry-run')).out).toContain(KEYS.newer);
  });

  it('are findings of status, which says what mends them and ends with exit code 1', async () => {
    const status = {
      ...{ version: '0', region: 'r', policyVersion: 1, lag: 0, published: false },
      ...{
        findings: [{ code: 'records-unreadable', text: '2 records cannot be read', mend: 'weft verify names them' }],
        recordsToReview: { people: 0, organisations: {} },
      },
      ...{ versions: {}, hl7v2Waiting: {}, groups: [], topics: [], counts: { records: 2, views: 8, quarantined: 0 } },
      ...{ settingsDiffer: [], organisationsDiffer: [], codesDiffer: false },
    };
    const url = await listening(({ url: path }, response) =>
      send(response, 200, path === '/readyz' ? { status: 'ready', checks: {} } : status),
    );
    const { out, exitCode } = await weft('status', { WEFT_URL: url, WEFT_TOKEN: 'given' });
    expect(out).toContain('2 records cannot be read\n  weft verify names them');
    expect(exitCode).toBe(EXIT.finding);
  });
});
