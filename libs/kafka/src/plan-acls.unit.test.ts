import { type AclRule, planAcls, type Principal, wantedAcls } from './plan-acls.js';

const principals: Principal[] = [
  { user: 'gateway', role: 'gateway' },
  { user: 'hl7-projector', role: 'hl7-projector' },
  { user: 'national-gateway', role: 'national-gateway' },
  { user: 'record-projector', role: 'record-projector' },
  { user: 'opt-out-projector', role: 'opt-out-projector' },
  { user: 'record-api', role: 'record-api' },
  { user: 'RX901', role: 'organisation', ods: 'RX901' },
  { user: 'registry', role: 'subscriber', purposes: ['population-health'] },
  { user: 'ops', role: 'operations' },
];
const of = (user: string) => wantedAcls(principals).filter(({ principal }) => principal === `User:${user}`);

describe('planning who may do what at the brokers', () => {
  it('lets an organisation write its own topic and do nothing else', () => {
    expect(of('RX901').map(({ operation, resource, pattern, name }) => [operation, resource, pattern, name])).toEqual([
      ['write', 'topic', 'literal', 'weft.care-events.RX901'],
      ['idempotent-write', 'cluster', 'literal', 'kafka-cluster'],
    ]);
  });

  it('lets the hl7-projector read what engines sent and write what comes of it, and no decision', () => {
    expect(of('hl7-projector').map(({ operation, name }) => [operation, name])).toEqual([
      ['read', 'weft.hl7v2.'],
      ['read', 'weft.hl7-projector'],
      ['write', 'weft.care-events.'],
      ['write', 'weft.quarantine'],
      ['idempotent-write', 'kafka-cluster'],
    ]);
  });

  it('lets the national-gateway store and read national events and write what comes of them, and no decision', () => {
    expect(of('national-gateway').map(({ operation, name }) => [operation, name])).toEqual([
      ['read', 'weft.national-events'],
      ['write', 'weft.national-events'],
      ['read', 'weft.national-gateway'],
      ['write', 'weft.care-events.'],
      ['write', 'weft.quarantine'],
      ['idempotent-write', 'kafka-cluster'],
    ]);
  });

  it('lets a subscriber read its purposes, in groups of its own, and write nothing', () => {
    expect(of('registry').map(({ operation, resource, pattern, name }) => [operation, resource, pattern, name])).toEqual([
      ['read', 'topic', 'literal', 'weft.record-changes.population-health'],
      ['read', 'group', 'prefixed', 'weft.subscriber.registry.'],
    ]);
  });

  it('lets nobody read quarantine but operations, who shows it and who counts it', () => {
    const readers = wantedAcls(principals).filter(
      ({ resource, name, pattern, operation }) =>
        resource === 'topic' &&
        ['read', 'all'].includes(operation) &&
        (name === 'weft.quarantine' || (pattern === 'prefixed' && 'weft.quarantine'.startsWith(name))),
    );
    expect(readers.map(({ principal }) => principal)).toEqual(['User:opt-out-projector', 'User:record-api', 'User:ops']);
  });

  it('lets nobody take the publisher’s seat but those who publish changes, and operations', () => {
    const holders = wantedAcls(principals).filter(({ resource }) => resource === 'transactional-id');
    expect(holders.map(({ principal, operation, pattern, name }) => [principal, operation, pattern, name])).toEqual([
      ['User:opt-out-projector', 'write', 'literal', 'weft.publisher'],
      ['User:ops', 'all', 'prefixed', 'weft.'],
    ]);
  });

  it('lets nobody publish changes but who takes the seat, and nobody read them but that one and subscribers', () => {
    const users = (operation: string) =>
      wantedAcls(principals)
        .filter((rule) => rule.operation === operation && rule.name.startsWith('weft.record-changes.'))
        .map(({ principal }) => principal);
    expect([users('write'), users('read')]).toEqual([['User:opt-out-projector'], ['User:opt-out-projector', 'User:registry']]);
  });

  it('finds what is missing and what is there', () => {
    const wanted = wantedAcls(principals);
    const plan = planAcls(wanted, wanted.slice(2));
    expect(plan.missing).toEqual(wanted.slice(0, 2));
    expect(plan.same).toEqual(wanted.slice(2));
    expect(plan.surplus).toEqual([]);
  });

  it('shows whoever else is let in to Weft, wildcards and short prefixes too, and leaves other people’s topics alone', () => {
    const rule = (name: string, pattern: AclRule['pattern'] = 'literal', principal = 'User:somebody'): AclRule => ({
      principal,
      resource: 'topic',
      name,
      pattern,
      operation: 'read',
    });
    const letIn = [rule('weft.consent'), rule('*'), rule('we', 'prefixed'), rule('payroll', 'literal', 'User:RX901')];
    const plan = planAcls(wantedAcls(principals), [...letIn, rule('payroll'), rule('web', 'prefixed')]);
    expect(plan.surplus).toEqual(letIn);
  });
});
