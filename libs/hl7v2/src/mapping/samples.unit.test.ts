import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Filed } from './filed.fixture.js';

/** Public messages of many systems: beside the checkout, or wherever WEFT_HL7V2_SAMPLES says. */
const SAMPLES = process.env['WEFT_HL7V2_SAMPLES'] ?? fileURLToPath(new URL('../../../../../shared/data/hl7v2', import.meta.url));
const names = existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((name) => name.endsWith('.hl7')) : [];

(names.length > 0 ? describe : describe.skip)('a public message', () => {
  it.each(names)('waits until its person is known, and is then nothing but what the gateway takes: %s', (name) => {
    const filed = new Filed();
    const [bytes, receivedAt] = [readFileSync(join(SAMPLES, name)), Date.parse('2026-11-01T00:00:00Z')];
    const taken = filed.take(bytes, receivedAt);
    expect([taken.faults, taken.unmapped, taken.events]).toEqual([[], undefined, []]);
    const [authority, value] = taken.waiting[0]!.mrn!.split('|');
    const known = filed.say(`
      MSH|^~\\&|PAS|RX901|WEFT|RX9|20261101100000||ADT^A28^ADT_A05|1|P|2.4
      EVN|A28|20261101100000
      PID|1||${value}^^^${authority}^MR~9990000018^^^NHS^NH||LARCH^ROWAN||19800102|1`);
    expect(filed.feed.stillWaiting()).toEqual([]);
    // Cancelling what was never told tells nothing.
    if (!name.startsWith('ADT-A11')) expect(known.events.length).toBeGreaterThan(1);
    expect(filed.refused).toEqual([]);
  });
});
