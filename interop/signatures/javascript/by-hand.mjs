// A receiver without a library, by the rules that Recall documents for its requests: either header family, a secret with the
// prefix whsec_, HMAC-SHA256 over id, time and body, and a list of signatures of which one has to match.
import { createHmac, timingSafeEqual } from 'node:crypto';

export class ByHand {
  constructor(secret) {
    if (!secret.startsWith('whsec_')) throw new Error('this is no secret');
    this.key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  }

  verify(body, headers) {
    const header = (name) => headers[`webhook-${name}`] ?? headers[`svix-${name}`];
    const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map(header);
    if (!id || !timestamp || !signatures) throw new Error('a header is missing');
    const expected = createHmac('sha256', this.key).update(`${id}.${timestamp}.${body}`).digest();
    const matches = signatures.split(' ').some((entry) => {
      const [version, signature] = entry.split(',');
      const given = Buffer.from(signature ?? '', 'base64');
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
    });
    if (!matches) throw new Error('no signature matches');
    return JSON.parse(body);
  }
}
