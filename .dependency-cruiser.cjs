/** Module boundaries: apps -> service -> adapters -> processing -> domain; adapters never on each other. */
const lib = (names) => `^libs/(${names})/`;
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-imports-nothing',
      comment: 'The core is pure: neither packages nor node:*.',
      severity: 'error',
      from: { path: lib('domain'), pathNot: '\\.(test|fixture)\\.ts$' },
      to: { pathNot: lib('domain') },
    },
    {
      name: 'hl7v2-imports-nothing',
      comment: 'What a sender’s bytes say, without packages, node:* or what is made of it.',
      severity: 'error',
      from: { path: '^libs/hl7v2/src/[^/]+$', pathNot: '(\\.(test|fixture)|/index)\\.ts$' },
      to: { pathNot: '^libs/hl7v2/src/[^/]+$' },
    },
    {
      name: 'mapping-is-pure',
      comment: 'Messages to entries: nothing beside the core but digests.',
      severity: 'error',
      from: { path: '^libs/hl7v2/src/mapping/', pathNot: '\\.(test|fixture)\\.ts$' },
      to: { pathNot: [lib('hl7v2|domain'), '^(node:)?crypto$'] },
    },
    {
      name: 'processing-on-domain-only',
      severity: 'error',
      from: { path: lib('processing'), pathNot: '\\.(test|fixture)\\.ts$' },
      to: { pathNot: [lib('processing'), lib('domain')] },
    },
    {
      name: 'hl7v2-processing-beneath-service',
      comment: 'The mapping, the shell and the publishers’ contract; no engine.',
      severity: 'error',
      from: { path: lib('hl7v2-processing'), pathNot: '\\.(test|fixture)\\.ts$' },
      to: { pathNot: lib('hl7v2-processing|hl7v2|processing|care-events|domain') },
    },
    {
      name: 'national-signals-are-pure',
      comment: 'What a signal and a PDS record say, and what is new in it: no engine, no shell.',
      severity: 'error',
      from: { path: '^libs/national/src/(signal|person|changes|care-events)\\.ts$' },
      to: { pathNot: [lib('domain|care-events|processing'), '^libs/national/src/(signal|person|changes|care-events)\\.ts$'] },
    },
    {
      name: 'national-asks-through-ports',
      comment: 'PDS and the inboxes stand behind ports; no engine.',
      severity: 'error',
      from: { path: '^libs/national/src/[^/]+$', pathNot: '(\\.(test|fixture)|/index)\\.ts$' },
      to: { pathNot: ['^libs/national/src/[^/]+$', lib('processing|care-events|domain')] },
    },
    {
      name: 'national-beneath-service',
      severity: 'error',
      from: { path: '^libs/national/src/http/', pathNot: '\\.(test|fixture)\\.ts$' },
      to: { pathNot: [lib('national|processing|care-events|domain'), '^(node:)?(crypto|http|https)$'] },
    },
    {
      name: 'reconciliation-beneath-service',
      comment: 'What arrived is read through the ports; no engine.',
      severity: 'error',
      from: { path: lib('reconciliation'), pathNot: '\\.(test|fixture)\\.ts$' },
      to: { path: '^(libs|apps)/', pathNot: lib('reconciliation|hl7v2-processing|hl7v2|processing|care-events|domain') },
    },
    {
      name: 'adapters-never-on-each-other',
      severity: 'error',
      from: { path: lib('(?:embedded|kafka|eventstoredb|care-events)'), pathNot: '\\.(test|fixture)\\.ts$' },
      to: { path: '^(libs|apps)/', pathNot: [lib('processing|domain'), '^libs/$1/'] },
    },
    {
      name: 'libs-never-on-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'apps-never-on-each-other',
      comment: 'Only the cli composes them, into one process.',
      severity: 'error',
      from: { path: '^apps/(?!cli/)([^/]+)/', pathNot: '\\.(test|fixture)\\.ts$' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'nest-lives-in-apps',
      comment: 'libs/service is the apps’ common part.',
      severity: 'error',
      from: { path: '^libs/(?!service/)' },
      to: { path: 'node_modules/@nestjs/' },
    },
    {
      name: 'testing-only-in-tests',
      severity: 'error',
      from: { path: '^(apps|libs)/(?!testing/)', pathNot: '\\.(test|fixture)\\.ts$' },
      to: { path: lib('testing') },
    },
    {
      name: 'one-door-a-lib',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/', pathNot: '\\.(test|fixture)\\.ts$' },
      to: { path: '^(apps|libs)/[^/]+/src/', pathNot: ['/src/index\\.ts$', '^$1/$2/'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: '/dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'default'] },
  },
};
