import { hl7v2ListenersIn } from './hl7v2-listeners.js';

const FILES = { textIn: () => null, loosenessOf: () => null };
const read = (list: unknown, files = FILES) => hl7v2ListenersIn(list, files);
const one = { name: 'pas', organisation: 'RX901', port: 2575 };

describe('the listeners for HL7 v2', () => {
  it('need a name, an organisation and a port, and have the rest as usual', () => {
    const { listeners, faults } = read([one]);
    expect(faults).toEqual([]);
    expect(listeners).toEqual([
      {
        ...one,
        ...{ host: '127.0.0.1', tls: undefined, production: true, timeZone: 'Europe/London' },
        ...{ mrnAuthority: 'RX901', acknowledge: 'auto', tellsPlace: true, connectionsPerAddress: 64 },
        ...{ frameBytesMax: 16 * 1024 * 1024, heldBytesMax: 64 * 1024 * 1024 },
      },
    ]);
  });

  it.each([
    [{}, 'holds no list'],
    [[5], '[0] is no listener'],
    [[{ name: 'pas' }], '[0].organisation is missing'],
    [[{ ...one, name: 'PAS of the trust' }], '[0].name is no name'],
    [[{ ...one, port: 70_000 }], '[0].port is no port'],
    [[{ ...one, timeZone: 'Europe/Londinium' }], '[0].timeZone is no time zone'],
    [[{ ...one, acknowledge: 'never' }], '[0].acknowledge is neither'],
    [[{ ...one, nhsNumberIn: ['PV1-3'] }], '[0].nhsNumberIn is no list of fields'],
    [[{ ...one, placeholders: ['999'] }], '[0].placeholders is no list of ten digits'],
    [[{ ...one, results: 'all' }], '[0].results is neither incremental nor snapshot'],
    [[{ ...one, timezone: 'UTC' }], '[0] has a member that no listener has'],
    [[{ ...one, facilities: [] }], '[0].facilities is no list'],
    [[{ ...one, host: '0.0.0.0' }], '[0].tls is missing'],
    [[{ ...one, host: '127.evil.example' }], '[0].tls is missing'],
    [[{ ...one, frameMiB: 40 }], '[0].heldMiB is less than two frames'],
    [[{ ...one, tls: { subjects: ['CN=pas'] } }], '[0].tls.certificateFile names no file'],
    [[{ ...one, tls: { certificateFile: 'a', keyFile: 'b', authorityFile: 'c' } }], '[0].tls.subjects is no list'],
    [[{ ...one, tls: { ca: 'a', subjects: ['CN=pas'] } }], '[0].tls has a member'],
    [[one, one], 'two listeners are called pas'],
    [[one, { ...one, name: 'lab' }], 'two listeners are at 127.0.0.1:2575'],
  ])('are refused with the place of what is wrong: %j', (list, fault) => {
    expect(read(list).faults.join('\n')).toContain(fault);
  });

  it('are refused where a key is none, or may be read by everybody, and the key is not repeated', () => {
    const tls = { certificateFile: 'a', keyFile: 'b', authorityFile: 'c', subjects: ['CN=pas'] };
    const { faults } = read([{ ...one, tls }], { ...FILES, textIn: () => 'secret' } as never);
    expect(faults.join()).toContain('[0].tls is no certificate with its key');
    expect(faults.join()).not.toContain('secret');
    const loose = { textIn: () => 'secret', loosenessOf: () => 'may be read by everybody' } as never;
    expect(read([{ ...one, tls }], loose).faults).toEqual(['[0].tls.keyFile may be read by everybody']);
  });

  it('say how what is sent there is read', () => {
    const reading = { nhsNumberIn: ['PID-3', 'PID-19'], placeholders: ['9990009990'], results: 'snapshot' };
    expect(read([{ ...one, ...reading }]).listeners[0]).toMatchObject(reading);
  });

  it('may listen in the clear elsewhere where that is said', () => {
    expect(read([{ ...one, host: '0.0.0.0', plain: true }]).listeners).toHaveLength(1);
  });
});
