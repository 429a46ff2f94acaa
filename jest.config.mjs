/** @type {import('jest').Config} */
export default {
  roots: ['<rootDir>/libs', '<rootDir>/apps', '<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.nx/'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { configFile: '.swcrc' }] },
  moduleNameMapper: {
    '^@weft/(domain|processing|care-events|hl7v2|hl7v2-processing|national|embedded|kafka|eventstoredb|reconciliation|testing|service)$':
      '<rootDir>/libs/$1/src/index.ts',
    '^@weft/(gateway|hl7-gateway|hl7-projector|national-gateway|record-projector|opt-out-projector|record-api|cli)$':
      '<rootDir>/apps/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  testTimeout: 60_000,
};
