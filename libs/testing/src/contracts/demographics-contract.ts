import { type Demographics, NoAnswer } from '@weft/national';

/** Somebody as PDS keeps them. */
export interface PersonAsKept {
  readonly nhsNumber: string;
  /** Default: one more than before, beginning with 1. */
  readonly version?: number;
  /** U unrestricted (default), R, V. */
  readonly security?: string;
  readonly deceasedDateTime?: string;
  /** 1 informal, 2 formal, U removed. */
  readonly deathNotificationStatus?: string;
  /** ODS code. */
  readonly generalPractitioner?: string;
  readonly supersededBy?: string;
  readonly invalidated?: boolean;
}

export interface DemographicsHarness {
  readonly demographics: Demographics;
  put(person: PersonAsKept): void;
  /** What is answered instead for one number, or for everybody; without a status it is over. */
  fail(fault: { readonly nhsNumber?: string; readonly status?: number; readonly retryAfter?: number }): void;
  close(): Promise<void>;
}

const [ANNE, BERT, CLEO] = ['9990000018', '9990000026', '9990000034'];

/** What Demographics promises. */
export function describeDemographics(name: string, open: () => Promise<DemographicsHarness>): void {
  describe(name, () => {
    let pds: DemographicsHarness;
    beforeEach(async () => void (pds = await open()));
    afterEach(() => pds.close());

    const ask = (nhsNumber: string) => pds.demographics.patient(nhsNumber);
    async function failure(nhsNumber: string): Promise<NoAnswer> {
      const error: unknown = await ask(nhsNumber).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(NoAnswer);
      expect((error as NoAnswer).message).not.toMatch(/\d{10}/);
      return error as NoAnswer;
    }

    it('gives a record with its version', async () => {
      pds.put({ nhsNumber: ANNE, version: 16, generalPractitioner: 'Y90001' });
      expect(await ask(ANNE)).toMatchObject({
        ...{ says: 'patient', nhsNumber: ANNE, version: 16 },
        patient: { resourceType: 'Patient', id: ANNE, generalPractitioner: [{ identifier: { value: 'Y90001' } }] },
      });
    });

    it('gives a record as it is at that moment', async () => {
      pds.put({ nhsNumber: ANNE });
      const first = await ask(ANNE);
      pds.put({ nhsNumber: ANNE, deceasedDateTime: '2026-01-02', deathNotificationStatus: '1' });
      expect(first).toMatchObject({ version: 1 });
      expect(await ask(ANNE)).toMatchObject({ version: 2, patient: { deceasedDateTime: '2026-01-02' } });
    });

    it('gives for a superseded number the record of the one that took its place, under that', async () => {
      pds.put({ nhsNumber: ANNE, supersededBy: BERT });
      pds.put({ nhsNumber: BERT, supersededBy: CLEO });
      pds.put({ nhsNumber: CLEO, version: 3 });
      expect(await ask(ANNE)).toMatchObject({ says: 'patient', nhsNumber: CLEO, version: 3, patient: { id: CLEO } });
    });

    it('tells an invalidated number from one that it does not know', async () => {
      pds.put({ nhsNumber: ANNE, invalidated: true });
      expect(await ask(ANNE)).toEqual({ says: 'invalidated' });
      expect(await ask(BERT)).toEqual({ says: 'not-found' });
    });

    it('gives of a restricted person no address, telecom or practice, and says that they are restricted', async () => {
      pds.put({ nhsNumber: ANNE, security: 'R', generalPractitioner: 'Y90001' });
      const answer = await ask(ANNE);
      expect(answer).toMatchObject({ patient: { meta: { security: [{ code: 'R' }] } } });
      for (const withheld of ['address', 'telecom', 'generalPractitioner']) {
        expect(answer).not.toHaveProperty(['patient', withheld]);
      }
    });

    it.each([408, 500, 502, 503, 504])('takes %d for no answer, which may be about the person alone', async (status) => {
      pds.put({ nhsNumber: ANNE });
      pds.put({ nhsNumber: BERT });
      pds.fail({ nhsNumber: ANNE, status });
      expect(await failure(ANNE)).toMatchObject({ mayBeThePerson: true, retryAfterMs: 0 });
      expect(await ask(BERT)).toMatchObject({ says: 'patient' });
      pds.fail({ nhsNumber: ANNE });
      expect(await ask(ANNE)).toMatchObject({ says: 'patient' });
    });

    it.each([403, 404, 400, 418, 301])('takes %d that is not documented of a person for no answer to anybody', async (status) => {
      pds.put({ nhsNumber: ANNE });
      pds.fail({ status });
      expect(await failure(ANNE)).toMatchObject({ mayBeThePerson: false });
    });

    it('says for how long it is to be left alone', async () => {
      pds.put({ nhsNumber: ANNE });
      pds.fail({ status: 429, retryAfter: 7 });
      expect(await failure(ANNE)).toMatchObject({ mayBeThePerson: false, retryAfterMs: 7_000 });
      pds.fail({ status: 429 });
      expect(await failure(ANNE)).toMatchObject({ mayBeThePerson: false, retryAfterMs: 0 });
    });
  });
}
