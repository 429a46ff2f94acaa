/** https://hl7.org/fhir/R4/valueset-data-absent-reason.html: not given for reasons of privacy, or with no word of why. */
export type Absence = 'masked' | 'unknown';

/** https://hl7.org/fhir/R4/extension-data-absent-reason.html: in place of an element, so that one that R4 requires is there. */
export const absent = (valueCode: Absence) => ({
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode }],
});
