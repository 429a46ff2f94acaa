import { readPrincipals } from './principals.js';

describe('who the brokers’ users are, as written down', () => {
  it('is a list of users and roles, with what an organisation and a subscriber need', () => {
    const list = [
      { user: 'weft-gateway', role: 'gateway' },
      { user: 'RX901', role: 'organisation', ods: 'RX901' },
      { user: 'registry', role: 'subscriber', purposes: ['population-health'] },
    ];
    expect(readPrincipals(list)).toEqual(list);
  });

  it.each([
    [{}, 'no list of { user, role }'],
    [[], 'no list of { user, role }'],
    [[{ user: 'a b', role: 'gateway' }], '[0].user is no name of a user'],
    [[{ user: '*', role: 'gateway' }], '[0].user is no name of a user'],
    [[{ user: 'a', role: 'gatekeeper' }], '[0].role is none of gateway, hl7-gateway, hl7-projector, national-gateway'],
    [
      [
        { user: 'a', role: 'gateway' },
        { user: 'b', role: 'organisation' },
      ],
      '[1].ods is no ODS code',
    ],
    [[{ user: 'a', role: 'subscriber', purposes: ['curiosity'] }], '[0].purposes is no list of purposes'],
    [[null], '[0].user is no name of a user; [0].role is none of'],
  ])('refuses %j', (list, message) => {
    expect(() => readPrincipals(list)).toThrow(message);
  });
});
