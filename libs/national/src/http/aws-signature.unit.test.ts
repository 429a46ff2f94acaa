import { awsAuthorization } from './aws-signature.js';

describe('a request to AWS', () => {
  it('is signed as AWS’ own example of Signature Version 4 is (get-vanilla)', () => {
    const request = {
      ...{ method: 'GET', url: new URL('https://example.amazonaws.com/'), body: '' },
      headers: { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' },
    };
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
    expect(awsAuthorization(request, credentials, { region: 'us-east-1', service: 'service' })).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, ' +
        'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    );
  });
});
