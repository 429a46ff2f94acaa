import { sharedClock } from './paced.js';
import { startProjecting, type Said } from './projecting.js';
import { openRegion } from './region.js';

/** The record-projector in a process of its own, until whoever started it lets go. */
const [directory = '', brokers = ''] = process.argv.slice(2);
const say = (said: Said): void => void process.send?.(said);
const region = await openRegion(directory, { WEFT_KAFKA_BROKERS: brokers });
const projector = await startProjecting(region, {
  onReadable: (indices) => say({ what: 'readable', indices, since: sharedClock() }),
  onFailure: () => say({ what: 'failed' }),
});
process.once('disconnect', () => void projector.stop().then(() => region.close()));
say({ what: 'started' });
