import type { TableSource } from './rows.js';
import { VALUES } from './values.js';

const MADE = { version: '1', date: '2026-11-30', author: 'Weft' };

const PID = `
PID-5*  names         name
PID-7   birth         birth
PID-8   gender        code    optional gender
PID-11* addresses     address
PID-13* telecoms      telecom
PID-14* workTelecoms  telecom
PID-15  language      coded
PID-16  maritalStatus coded   optional marital
PID-22  ethnicity     coded   optional ethnic
PID-29  deathTime     time
PID-30  dead          code    optional yes-no
`;

const VISIT = `
PV1-2   class         coded   optional patient-class
PV1-3   location      location
PV1-6   priorLocation location
PV1-7*  attenders     practitioner
PV1-8*  referrers     practitioner
PV1-9*  consultants   practitioner
PV1-10  service       coded
PV1-14  admitSource   coded
PV1-17* admitters     practitioner
PV1-36  disposition   coded
PV1-42  pending       location
PV1-44  start         time    readable
PV1-45  end           time    readable
`;

/**
 * What Weft reads of which message. The first block says what each type's event does: the reader, the action, and whether it says who
 * somebody is (`learns`) or may correct that (`corrects`), and whether its PID changes the Patient (`person`). A type that is not here is
 * kept, counted as unmapped, and mapped when a table comes.
 */
export const WEFT_TABLES: TableSource = {
  types: `
ADT^A01 visit  admit                    learns person
ADT^A02 visit  transfer                 learns
ADT^A03 visit  discharge                learns
ADT^A04 visit  register                 learns person
ADT^A05 visit  preadmit                 learns person
ADT^A06 visit  to-inpatient             learns
ADT^A07 visit  to-outpatient            learns
ADT^A08 visit  correct                  learns person
ADT^A09 visit  correct
ADT^A10 visit  arrive
ADT^A11 visit  cancel
ADT^A12 visit  cancel-transfer
ADT^A13 visit  cancel-discharge
ADT^A14 visit  preadmit                 person
ADT^A15 visit  plan-transfer
ADT^A16 visit  correct
ADT^A17 swap   transfer
ADT^A18 merge  merge                    learns
ADT^A21 visit  leave
ADT^A22 visit  return
ADT^A24 person linked
ADT^A25 visit  correct
ADT^A26 visit  cancel-plan
ADT^A27 visit  cancel
ADT^A28 person record                   learns corrects person
ADT^A29 person delete
ADT^A31 person record                   learns corrects person
ADT^A34 merge  merge                    learns
ADT^A35 merge  move-visit               learns
ADT^A36 merge  merge                    learns
ADT^A37 person unlinked
ADT^A38 visit  cancel
ADT^A40 merge  merge                    learns
ADT^A41 merge  move-visit               learns
ADT^A42 merge  move-visit               learns
ADT^A43 merge  move-visit               learns
ADT^A44 merge  move-visit               learns
ADT^A45 merge  move-visit               learns
ADT^A46 merge  change                   learns
ADT^A47 merge  change                   learns
ADT^A60 allergies record
ORU^R01 results record
ORU^R30 results record
ORU^R31 results record
ORU^R32 results record
OUL^R21 results record
OUL^R22 results record
OUL^R23 results record
OUL^R24 results record
ORM^O01 orders record
OML^O21 orders record
OML^O33 orders record
OML^O35 orders record
ORR^O02 orders record
ORL^O22 orders record
MDM^T01 document original
MDM^T02 document original
MDM^T03 document status
MDM^T04 document status
MDM^T05 document addendum
MDM^T06 document addendum
MDM^T07 document original
MDM^T08 document original
MDM^T09 document replacement
MDM^T10 document replacement
MDM^T11 document cancel
SIU^S12 appointment booked
SIU^S13 appointment booked
SIU^S14 appointment -
SIU^S15 appointment cancelled
SIU^S16 appointment cancelled
SIU^S17 appointment retract
SIU^S18 appointment -
SIU^S19 appointment -
SIU^S20 appointment -
SIU^S21 appointment -
SIU^S22 appointment -
SIU^S26 appointment noshow
VXU^V04 vaccinations record
RDE^O11 medicines record
RDE^O25 medicines record
PPR^PC1 problems record
PPR^PC2 problems record
PPR^PC3 problems retract
REF^I12 referral record
REF^I13 referral record
REF^I14 referral cancel
REF^I15 referral record
`,
  values: VALUES,
  tables: [
    { ...MADE, id: 'ADT/PID', rows: PID },
    { ...MADE, id: 'ADT/PD1', rows: 'PD1-3 practice organisation\nPD1-4* doctors practitioner' },
    {
      ...MADE,
      id: 'ADT/NK1',
      rows: 'NK1-2 name name\nNK1-3 relationship coded\nNK1-4 address address\nNK1-5* telecoms telecom\nNK1-6* workTelecoms telecom',
    },
    { ...MADE, id: 'ADT/PV1', rows: VISIT },
    { ...MADE, id: 'ADT/MRG', rows: 'MRG-5 visit identifier' },
    {
      ...MADE,
      id: 'ADT/AL1',
      rows: 'AL1-2 category code optional allergy-category\nAL1-3 code coded\nAL1-4 severity code optional criticality\nAL1-5* reactions text\nAL1-6 onset time',
    },
    {
      ...MADE,
      id: 'ADT/IAM',
      rows: `IAM-2 category code optional allergy-category
IAM-3 code coded
IAM-4 severity code optional criticality
IAM-5* reactions text
IAM-6 action code optional list-action
IAM-7 identifier entity
IAM-11 onset time
IAM-13 reported time`,
    },
    {
      ...MADE,
      id: 'ADT/DG1',
      rows: `DG1-3 code coded
DG1-4 text text
DG1-5 onset time
DG1-16 asserter practitioner
DG1-19 recorded time
DG1-20 identifier entity
DG1-21 action code optional diagnosis-action`,
    },
    {
      ...MADE,
      id: 'ADT/PR1',
      rows: `PR1-3 code coded
PR1-4 text text
PR1-5 performed time
PR1-11 surgeon practitioner
PR1-19 identifier entity
PR1-20 action code optional diagnosis-action`,
    },
    {
      ...MADE,
      id: 'ORU/OBR',
      rows: `OBR-2 placer entity
OBR-3 filler entity
OBR-4 code coded required
OBR-7 effective time
OBR-8 effectiveEnd time
OBR-22 issued time
OBR-24 section text
OBR-25 status code optional report-status`,
    },
    {
      ...MADE,
      id: 'ORU/OBX',
      rows: `OBX-3 code coded required
OBX-6 unit text
OBX-7 range text
OBX-8* interpretations code optional interpretation
OBX-11 status code optional observation-status
OBX-14 effective time
OBX-17 method coded`,
    },
    {
      ...MADE,
      id: 'ORU/SPM',
      rows: 'SPM-2.2 filler entity\nSPM-4 type coded\nSPM-7 method coded\nSPM-8 site coded\nSPM-17 collected time\nSPM-18 received time',
    },
    {
      ...MADE,
      id: 'MDM/TXA',
      rows: `TXA-2 type coded
TXA-4 activity time
TXA-6 originated time
TXA-9* authors practitioner
TXA-12 identifier entity required
TXA-13 parent entity
TXA-16 title text
TXA-17 docStatus code optional document-status
TXA-18 confidentiality code optional confidentiality
TXA-19 availability code optional availability`,
    },
    {
      ...MADE,
      id: 'SIU/SCH',
      rows: `SCH-1 placer entity
SCH-2 filler entity
SCH-6 event coded
SCH-7 reason coded
SCH-8 type coded
SCH-9 duration decimal
SCH-10 durationUnit code optional minutes-per
SCH-11.4 start time readable
SCH-11.5 end time readable
SCH-25 status code optional appointment-status`,
    },
    { ...MADE, id: 'SIU/TQ1', rows: 'TQ1-7 start time\nTQ1-8 end time' },
    {
      ...MADE,
      id: 'SIU/AIS',
      rows: 'AIS-3 service coded\nAIS-4 start time\nAIS-7 duration decimal\nAIS-8 durationUnit code optional minutes-per',
    },
    { ...MADE, id: 'SIU/AIG', rows: 'AIG-3 resource coded\nAIG-8 start time' },
    { ...MADE, id: 'SIU/AIL', rows: 'AIL-3 location location\nAIL-6 start time' },
    { ...MADE, id: 'SIU/AIP', rows: 'AIP-3 practitioner practitioner\nAIP-6 start time' },
    {
      ...MADE,
      id: 'VXU/RXA',
      rows: `RXA-3 given time required
RXA-5 vaccine coded required
RXA-6 dose decimal
RXA-7.1 doseUnit text
RXA-10 performer practitioner
RXA-15 lot text
RXA-16 expires date
RXA-18* reasons coded
RXA-20 completion code readable vaccination-completion
RXA-21 action code readable vaccination-action
RXA-22 entered time`,
    },
    { ...MADE, id: 'VXU/RXR', rows: 'RXR-1 route coded\nRXR-2 site coded' },
    {
      ...MADE,
      id: 'ORM/ORC',
      rows: `ORC-1 control code readable order-control
ORC-2 placer entity
ORC-3 filler entity
ORC-5 status code optional order-status
ORC-9 authored time
ORC-12 requester practitioner`,
    },
    {
      ...MADE,
      id: 'ORM/OBR',
      rows: 'OBR-2 placer entity\nOBR-3 filler entity\nOBR-4 code coded\nOBR-6 requested time\nOBR-16 requester practitioner\nOBR-31* reasons coded',
    },
    {
      ...MADE,
      id: 'RDE/ORC',
      rows: `ORC-1 control code readable medicine-control
ORC-2 placer entity
ORC-3 filler entity
ORC-9 authored time
ORC-12 requester practitioner`,
    },
    {
      ...MADE,
      id: 'RDE/RXE',
      rows: 'RXE-2 medicine coded required\nRXE-3 dose decimal\nRXE-5 doseUnit coded\nRXE-7* instructions coded\nRXE-10 dispense decimal\nRXE-21* sig coded',
    },
    { ...MADE, id: 'RDE/RXR', rows: 'RXR-1 route coded\nRXR-2 site coded' },
    {
      ...MADE,
      id: 'PPR/PRB',
      rows: `PRB-1 action code readable list-action
PRB-2 actionTime time
PRB-3 code coded required
PRB-4 identifier entity required
PRB-7 established time
PRB-9 resolved time
PRB-13 confirmation text
PRB-14 status code optional problem-status
PRB-16 onset time`,
    },
    {
      ...MADE,
      id: 'REF/RF1',
      rows: `RF1-1 status code optional referral-status
RF1-2 priority coded
RF1-3 type coded
RF1-6 identifier entity required
RF1-7 effective time
RF1-10* reasons coded
RF1-11 external entity`,
    },
  ],
};
