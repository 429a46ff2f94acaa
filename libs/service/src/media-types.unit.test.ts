import { refuseUnlessAccepted, refuseUnlessTaken } from './media-types.js';
import { HttpProblem } from './problem.js';

const FHIR = 'application/fhir+json';
const problemOf = (work: () => void): HttpProblem | undefined => {
  try {
    return void work();
  } catch (error) {
    return error as HttpProblem;
  }
};
const taken = (type: string | undefined) =>
  problemOf(() => refuseUnlessTaken({ headers: { 'content-type': type } }, [FHIR, 'application/json']));
const accepted = (headers: { readonly accept?: string }, query: object = {}) =>
  problemOf(() => refuseUnlessAccepted({ headers, query }, [FHIR, 'application/json']));

describe('a body', () => {
  it.each([FHIR, 'application/json', 'Application/FHIR+JSON; charset=UTF-8'])('of type %s is taken', (type) => {
    expect(taken(type)).toBeUndefined();
  });

  it.each([
    ['application/fhir+xml', 'XML is not read here'],
    ['text/xml; charset=utf-8', 'XML is not read here'],
    ['x-application/hl7-v2+er7', 'HL7 v2 is not read here'],
    ['application/hl7-v2', 'HL7 v2 is not read here'],
    ['application/x-www-form-urlencoded', 'A form is not read here'],
    ['text/plain;charset=UTF-8', 'This content type is not understood here'],
    [undefined, 'No Content-Type'],
  ])('of type %s is told for what it is, and what is taken instead', (type, what) => {
    const { statusCode, more } = taken(type)!;
    expect(statusCode).toBe(415);
    expect(more.detail).toContain(what);
    expect(more.detail).toMatch(/Send application\/fhir\+json or application\/json\.$/);
    expect(more.headers).toEqual({ accept: 'application/fhir+json, application/json' });
  });
});

describe('an answer', () => {
  it.each(['', '*/*', 'application/*', FHIR, 'text/html, application/json;q=0.1', 'application/fhir+json; fhirVersion=4.0'])(
    'may be given to who accepts %s',
    (accept) => expect(accepted({ accept })).toBeUndefined(),
  );
  it('may be given to who says nothing', () => expect(accepted({})).toBeUndefined());

  it.each(['application/fhir+xml', 'text/html', 'application/fhir+json;q=0, text/xml'])(
    'is none for who accepts %s',
    (accept) => {
      const { statusCode, more } = accepted({ accept })!;
      expect([statusCode, more.detail]).toEqual([406, 'This address answers application/fhir+json and nothing else.']);
    },
  );

  it.each([
    ['json', undefined],
    ['application/fhir json', undefined],
    ['xml', 406],
    ['application/fhir+xml', 406],
  ])('is asked for by _format=%s whatever the header says', (format, status) => {
    expect(accepted({ accept: status ? FHIR : 'text/html' }, { _format: format })?.statusCode).toBe(status);
  });
});
