import { setImmediate } from 'node:timers/promises';
import { fhirProblems, loadFhirDefinitionsMeanwhile } from './fhir.js';

describe('definitions that are loaded meanwhile', () => {
  it('let others have their turn, and what is validated before they are all there is judged by all of them', async () => {
    let [turns, isLoaded] = [0, false];
    const loading = loadFhirDefinitionsMeanwhile().then(() => (isLoaded = true));
    for (; turns < 10; turns += 1) await setImmediate();
    expect(isLoaded).toBe(false);
    const vision = { resourceType: 'VisionPrescription', id: 'v1', status: 'active' };
    expect(fhirProblems(vision).map(({ field }) => field)).toContain('VisionPrescription.patient');
    await loading;
    expect(isLoaded).toBe(true);
  });
});
