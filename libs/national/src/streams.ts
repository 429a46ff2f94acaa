/** What was told of a number from national events. */
export const demographicsStream = (key: string): string => `demographics-${key}`;
/** When the latest test signal came; one event at a time. */
export const TEST_SIGNALS_STREAM = 'nationalSignals-region';
