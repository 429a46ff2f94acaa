import { gzipSync } from 'node:zlib';
import { foreignFormat } from './foreign.js';

describe('what is no JSON', () => {
  it.each([
    ['MSH|^~\\&|SENDER', /HL7 v2 message \(MSH\|…\); Weft takes FHIR R4 JSON/],
    ['\u000bMSH|^~\\&|SENDER', /HL7 v2/],
    ['\uFEFF\r\nBHS|^~\\&|SENDER', /HL7 v2/],
    ["UNB+UNOA:2+SENDER'", /EDIFACT/],
    ["UNA:+.? 'UNB+UNOA", /EDIFACT/],
    ['%PDF-1.7', /a PDF/],
    ['<Bundle xmlns="http://hl7.org/fhir">', /FHIR in XML/],
    ['<?xml version="1.0"?>\n<!-- <html> -->\n<hl7:ClinicalDocument xmlns:hl7="urn:hl7-org:v3">', /CDA document in XML/],
    ['<!DOCTYPE html><html lang="en">', /web page/],
    ['<PatientDemographics>', /this is XML/],
  ])('is told for what it is: %j', (head, message) => expect(foreignFormat(Buffer.from(head))).toMatch(message));

  it.each([
    [gzipSync('{}'), /gzip.*zcat FILE/],
    [Buffer.from('504b030414', 'hex'), /ZIP archive/],
    [Buffer.from('\uFEFF{}', 'utf16le'), /UTF-16/],
  ])('is told by its first bytes too', (head, message) => expect(foreignFormat(head)).toMatch(message));

  it.each(['', ' {', '\uFEFF[', '{"MSH|": 1}', 'MSH', 'UNBORN', 'x'])('is not said of %j', (head) =>
    expect(foreignFormat(Buffer.from(head))).toBeNull(),
  );
});
