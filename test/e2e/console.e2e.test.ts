import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type Page } from 'playwright-core';
import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { NOTICE, provision } from '@weft/domain';
import { careEventsTopic } from '@weft/processing';
import { issueToken, type Role } from '@weft/service';
import { chromiumPath, openBrowser, picture } from './browser.js';
import { type Region, startRegion } from './region.js';

const ANNE = '9990000018';
const BERT = '9990000026';
const NOBODY = '9990000034';
const CARL = '9990000042';
/** Merged into Bert's number. */
const FORMER = '9990000050';
const DORA = '9990000069';
const EVE = '9990000077';
const RLO = '\u202e';

const named = (number: string) => ({ type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: number } });
const patient = (number: string, family: string, given: string, birthDate: string) => ({
  resourceType: 'Patient',
  id: `p-${number}`,
  identifier: [{ system: NHS_NUMBER_SYSTEM, value: number }],
  name: [{ family, given: [given] }],
  birthDate,
});
const allergy = (number: string, id: string, text: string) => ({
  resourceType: 'AllergyIntolerance',
  id,
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
  code: { text },
  patient: named(number),
});
const condition = (number: string, id: string, text: string) => ({
  resourceType: 'Condition',
  id,
  code: { text },
  subject: named(number),
  onsetDateTime: '2020-05-01',
});
const REFUTED = {
  verificationStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status', code: 'refuted' }] },
};
const HOSTILE = `<img src=x onerror="window.pwned=1"> <b>Weft says: nothing is withheld</b> \u001b[2J ${RLO}dlohhtiw`;

const path = chromiumPath();
if (path === undefined) {
  it.skip('the console in a browser: no Chromium in the path, nor where WEFT_CHROMIUM says', () => {});
} else {
  describe('somebody of governance at the console, in a browser', () => {
    const directory = mkdtempSync(join(tmpdir(), 'weft-console-'));
    let region: Region;
    let browser: Browser;
    let page: Page;
    let faults: string[];

    beforeAll(async () => {
      [region, browser] = await Promise.all([startRegion({ directory }), openBrowser(path)]);
      await record(
        patient(ANNE, 'Fernsby', 'Anne', '1950-03-04'),
        allergy(ANNE, 'a1', 'Penicillin'),
        condition(ANNE, 'c1', 'Asthma'),
      );
      await record(patient(BERT, 'Archer', 'Bert', '1985-06-07'), { ...condition(BERT, 'c2', 'Gout'), ...REFUTED });
      await record(patient(CARL, 'Dunmore', 'Carl', '1931-01-02'));
      await record(patient(FORMER, 'Archer', 'Bert', '1985-06-07'), condition(FORMER, 'c3', 'Migraine'));
      await record(
        patient(DORA, 'Eldridge', HOSTILE, '1990-10-11'),
        condition(DORA, 'c4', HOSTILE),
        condition(DORA, 'c5', 'Psoriasis'),
      );
      await tell('patient-died-1', CARL, { ...patient(CARL, 'Dunmore', 'Carl', '1931-01-02'), deceasedDateTime: '2026-02-03' });
      await record(patient(EVE, 'Garland', 'Eve', '1977-12-24'));
      await pastTheGateway(EVE, { resourceType: 'AllergyIntolerance', id: 'no-patient' });
      const link = [{ type: 'replaced-by', other: named(BERT) }];
      await tell('patient-merged-1', FORMER, { ...patient(FORMER, 'Archer', 'Bert', '1985-06-07'), link });
      await region.settled();
    }, 60_000);
    beforeEach(async () => {
      page = await browser.newPage({ viewport: { width: 1_000, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/London' });
      page.setDefaultTimeout(10_000);
      faults = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      await page.goto(`${region.url}/console`);
    });
    afterEach(async () => {
      await page.close();
      expect(faults).toEqual([]);
    });
    afterAll(async () => {
      await browser?.close();
      await region?.close();
      rmSync(directory, { recursive: true, force: true });
    });

    async function record(...resources: readonly object[]): Promise<void> {
      const entry = resources.map((resource) => ({ resource }));
      await posted('/fhir', 'application/fhir+json', { resourceType: 'Bundle', type: 'collection', entry }, 'publisher');
    }

    async function tell(type: string, subject: string, data: object): Promise<void> {
      const event = { specversion: '1.0', id: `${type}-${subject}`, source: 'urn:ods:RX901', type, subject };
      const content = { time: '2026-02-04T10:00:00Z', datacontenttype: 'application/fhir+json', data };
      await posted('/events', 'application/cloudevents+json', { ...event, ...content }, 'publisher');
    }

    /** What cannot be accepted stands in quarantine. */
    async function pastTheGateway(key: string, resource: object): Promise<void> {
      const value = Buffer.from(JSON.stringify(resource));
      const attributes = { ce_specversion: '1.0', ce_id: 'broken', ce_source: 'urn:ods:RX901', ce_subject: key };
      const more = { ce_type: 'care-event-recorded-1', ce_time: '2026-02-04T10:00:00Z', 'content-type': 'application/fhir+json' };
      await region.wiring.bus.publish([{ topic: careEventsTopic('RX901'), key, value, headers: { ...attributes, ...more } }]);
    }

    async function posted(to: string, type: string, content: object, role: Role): Promise<void> {
      const body = JSON.stringify(content);
      const response = await region.as([role], to, { method: 'POST', body, headers: { 'content-type': type } });
      expect([to, response.ok, await response.text()]).toEqual([to, true, expect.anything()]);
    }

    const withhold = (subject: string, entry: string) =>
      posted(
        '/consents',
        'application/fhir+json',
        consentOf({
          ...{ subject, consentId: `withheld-${subject}`, decidedBy: 'patient', status: 'active', authority: 'withheld-item' },
          decidedAt: new Date().toISOString(),
          provision: provision('deny', ['direct-care', 'care-coordination'], {
            limits: [{ kind: 'entries', entries: [{ entry, reach: 'instance' }] }],
          }),
        }),
        'governance',
      );

    /** All that a person can read on the page, as they read it. */
    const seen = () => page.locator('main').innerText();
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const field = (name: string) => page.getByLabel(name, { exact: true });

    async function comeAs(...roles: Role[]): Promise<void> {
      const { settings, clock } = region.service;
      await field('Access token').fill(await issueToken(settings, clock, { roles, organisation: 'RX901', subject: 'ruth' }));
    }

    async function ask(number: string): Promise<void> {
      await field('NHS number').fill(number);
      await button('Show the record').click();
      await expectIdle();
    }

    /** While it works nothing can be pressed. */
    const expectIdle = () => page.locator('#ask button:enabled').waitFor();

    async function expectNothingOf(...words: readonly string[]): Promise<void> {
      const text = await seen();
      for (const word of words) expect(text).not.toContain(word);
      for (const name of ['Opt out', 'Opt in', 'Show the audit']) expect(await button(name).isVisible()).toBe(false);
    }

    const OF_ANNE = ['FERNSBY', 'NHS number 999 000 0018', 'Penicillin', 'Asthma', '1950'];

    async function optOutOfResearch(): Promise<void> {
      await page.getByRole('checkbox', { name: 'Research' }).check();
      await button('Opt out').click();
    }

    it('sees whose record it is, what is shared for each purpose, and why', async () => {
      await comeAs('governance');
      await ask('999 000 0018');
      const text = await seen();
      for (const words of ['FERNSBY, Anne', 'born 4 Mar 1950', 'NHS number 999 000 0018', 'Penicillin', '3 entries, 0 decisions'])
        expect(text).toContain(words);
      expect(text).toMatch(/born 4 Mar 1950 \(\d\d years\)/);
      await picture(page, '01-anne');
    });

    it('sees of what was refuted that it was, wherever it stands', async () => {
      await comeAs('governance');
      await ask(BERT);
      expect((await seen()).match(/Gout( \(refuted\))?/g)).toEqual(['Gout (refuted)', 'Gout (refuted)']);
    });

    it.each([
      ['mistyped', '9990000019', /NHS number: the last digit is not the check digit/],
      ['too short', '99900000', /10 digits/],
      ['nobody’s', NOBODY, /0 entries|nothing is known/i],
    ])('sees nothing of the person before once a number is %s', async (name, number, says) => {
      await comeAs('governance');
      await ask(ANNE);
      await ask(number);
      expect(await seen()).toMatch(says);
      for (const word of OF_ANNE) expect(await seen()).not.toContain(word);
      await picture(page, `02-${name}`);
    });

    it('sees nothing, and can do nothing, from the moment the number is edited', async () => {
      const sent: string[] = [];
      page.on('request', (request) => void (request.method() === 'POST' && sent.push(request.url())));
      await comeAs('governance');
      await ask(ANNE);
      await page.getByRole('checkbox', { name: 'Research' }).check();
      await field('NHS number').fill(BERT);
      await expectNothingOf(...OF_ANNE);
      await page.evaluate(`document.getElementById('choose').requestSubmit()`);
      await expectIdle();
      expect(await page.getByRole('dialog').isVisible()).toBe(false);
      expect(sent).toEqual([]);
      await picture(page, '03-edited');
    });

    it('is asked by name and number before a choice is recorded, and it is recorded for that person alone', async () => {
      await comeAs('governance');
      await ask(ANNE);
      await ask(BERT);
      await optOutOfResearch();
      const asked = await page.getByRole('dialog').innerText();
      for (const words of ['Record this opt-out?', 'ARCHER, Bert', '7 Jun 1985', '999 000 0026', 'Local choice', 'Research'])
        expect(asked).toContain(words);
      expect(asked).not.toContain('FERNSBY');
      await picture(page, '04-asked');
      await button('Go back').click();
      await expectIdle();
      expect(await seen()).toContain('Nothing was recorded.');
      expect(await decisionsOf(BERT)).toBe(0);
      await button('Opt out').click();
      await button('Record the opt-out').click();
      await page.getByText('is recorded for ARCHER, Bert, NHS number 999 000 0026.').waitFor();
      await picture(page, '05-recorded');
      expect([await decisionsOf(BERT), await decisionsOf(ANNE)]).toEqual([1, 0]);
    });

    const decisionsOf = async (number: string): Promise<number> => {
      const answer = await region.as(['governance'], `/records/${number}/explain`);
      return ((await answer.json()) as { decisions: unknown[] }).decisions.length;
    };

    it('sees under a former number whose it is now', async () => {
      await comeAs('governance');
      await ask(FORMER);
      const text = await seen();
      for (const words of ['ARCHER, Bert', '999 000 0050, merged into 999 000 0026', 'Migraine', 'Gout'])
        expect(text).toContain(words);
      await picture(page, '06-merged');
    });

    it('sees that somebody has died', async () => {
      await comeAs('governance');
      await ask(CARL);
      const text = await seen();
      expect(text).toContain('born 2 Jan 1931, died 3 Feb 2026');
      expect(text).toContain('Death, DUNMORE, Carl (died 3 Feb 2026), 3 Feb 2026, RX901');
      expect(text).not.toMatch(/born 2 Jan 1931 \(/);
      await picture(page, '07-died');
    });

    it('is told that something is withheld, and how much', async () => {
      await withhold(DORA, 'RX901/Condition/c5');
      await comeAs('governance');
      await ask(DORA);
      expect(await seen()).toContain(NOTICE);
      expect(await seen()).toContain('1 withheld');
      await picture(page, '08-withheld');
    });

    it('is told that something is in quarantine, and so is missing', async () => {
      await comeAs('governance');
      await ask(EVE);
      expect(await seen()).toContain('Something that was sent about this person could not be taken in yet. It is missing here.');
      await picture(page, '09-in-quarantine');
    });

    it('reads what an entry says as words, whatever it looks like', async () => {
      await comeAs('governance');
      await ask(DORA);
      const text = await seen();
      expect(text).toContain('<img src=x onerror="window.pwned=1"> <b>Weft says');
      expect(await page.evaluate('window.pwned')).toBeUndefined();
      expect(await page.locator('#answer img, #answer b:has-text("Weft says")').count()).toBe(0);
      expect(text).toContain('\\u001b[2J \\u202edlohhtiw, 1 May 2020, RX901');
      expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/); // eslint-disable-line no-control-regex
      await picture(page, '10-hostile');
    });

    it('sees who looked, and that this look is among them', async () => {
      await comeAs('governance');
      await ask(ANNE);
      await button('Show the audit').click();
      await page.getByText('Looked at the reasons').first().waitFor();
      expect(await page.locator('#looks-rows').innerText()).toContain('ruth');
      await picture(page, '11-audit');
    });

    it('sees as a clinician the record of now and the notice, and may record nothing', async () => {
      await comeAs('clinician');
      await ask(DORA);
      const text = await seen();
      expect(text).toContain(NOTICE);
      expect(text).not.toContain('1 withheld');
      expect(text).not.toContain('Psoriasis');
      await expectNothingOf('Record a choice');
      await picture(page, '12-clinician');
    });

    describe('once Weft is away', () => {
      beforeEach(async () => {
        await comeAs('governance');
        await ask(ANNE);
        await region.close();
      });
      afterEach(async () => void (region = await startRegion({ directory })));

      it('is told that it is not known whether a choice was recorded, and sees nobody else’s record', async () => {
        await optOutOfResearch();
        await button('Record the opt-out').click();
        await page
          .getByText('It is not known whether the choice was recorded for FERNSBY, Anne, NHS number 999 000 0018.')
          .waitFor();
        expect(await seen()).toContain('Weft does not answer');
        await expectNothingOf('Penicillin', 'This person has made no choice');
        await picture(page, '13-away-choosing');
        await ask(BERT);
        expect(await seen()).toContain('Weft does not answer');
        await expectNothingOf(...OF_ANNE, 'ARCHER');
        await picture(page, '14-away-looking');
      });
    });
  });
}
