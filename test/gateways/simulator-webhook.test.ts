import { createHmac } from 'node:crypto';
import { paymentWebhookVerifiers } from '../../src/gateways/payment-providers.ts';
import { verifyWebhook } from '../../src/gateways/simulator-webhook.ts';

const secret = 'whsec_0123456789abcdef0123456789abcdef';
const seconds = 1_766_300_000;
const nowMs = seconds * 1_000;
const notice = {
  id: 'evt_1',
  type: 'payment.succeeded',
  bookingId: 'bkg_1',
  attemptId: 'pay_1',
  amount: { amount: 125_000, currency: 'INR' },
  at: '2025-12-21T06:53:20.000Z',
};
const golden = JSON.stringify(notice);
// printf '1766300000.%s' "$golden" | openssl dgst -sha256 -hmac "$secret"
const goldenMac = 'a760fed3bd608f10b246373518afb9e0703766189ca391f757402d651d0ce56e';

const sign = (body: string | Buffer, at = seconds): string =>
  `t=${at},v1=${createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')}`;
const verify = (signature: string | undefined, body: string | Buffer = golden, at = nowMs) =>
  verifyWebhook(secret, 'simulator', signature, Buffer.from(body), at);
const verifyBody = (body: unknown) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return verify(sign(text), text);
};

it('believes the golden vector of the contract, made with openssl', () => {
  expect(verify(`t=${seconds},v1=${goldenMac}`)).toEqual({
    ok: true,
    event: {
      kind: 'payment',
      notification: {
        eventId: 'evt_1',
        provider: 'simulator',
        bookingId: 'bkg_1',
        attemptId: 'pay_1',
        amount: { amount: 125_000, currency: 'INR' },
        atMs: nowMs,
        outcome: 'succeeded',
        providerReference: 'pay_1',
      },
    },
  });
});

it('the time may differ by 300 s either way, no more', () => {
  const signature = sign(golden);
  for (const at of [nowMs - 300_000, nowMs + 300_000]) expect(verify(signature, golden, at).ok).toBe(true);
  for (const at of [nowMs - 300_001, nowMs + 300_001]) {
    expect(verify(signature, golden, at)).toEqual({ ok: false, reason: 'outside_tolerance' });
  }
});

it.each([
  ['none', undefined, 'signature_missing'],
  ['an empty one', '', 'signature_missing'],
  ['no time', `v1=${'0'.repeat(64)}`, 'signature_malformed'],
  ['no mac', `t=${seconds}`, 'signature_malformed'],
  ['a short mac', `t=${seconds},v1=abcd`, 'signature_malformed'],
  ['no hex', `t=${seconds},v1=${'g'.repeat(64)}`, 'signature_malformed'],
  ['a time that is none', `t=1e9,v1=${'0'.repeat(64)}`, 'signature_malformed'],
  ['something behind it', `${sign(golden)},v1=00`, 'signature_malformed'],
  ['another mac', `t=${seconds},v1=${'0'.repeat(64)}`, 'signature_mismatch'],
  ['the mac of another time', sign(golden, seconds + 1).replace(`${seconds + 1}`, `${seconds}`), 'signature_mismatch'],
])('a signature refused: %s', (_what, signature, reason) => {
  expect(verify(signature)).toEqual({ ok: false, reason });
});

it('covers the raw body to the last byte, and the secret', () => {
  const signature = sign(golden);
  expect(verify(signature, `${golden} `)).toEqual({ ok: false, reason: 'signature_mismatch' });
  expect(verify(signature, golden.replace('125000', '125001'))).toEqual({ ok: false, reason: 'signature_mismatch' });
  expect(verifyWebhook(`${secret}x`, 'simulator', signature, Buffer.from(golden), nowMs).ok).toBe(false);
});

it('a body that makes no sense is not told apart from a forged one before its signature is right', () => {
  expect(verify(sign(golden), 'nonsense')).toEqual({ ok: false, reason: 'signature_mismatch' });
});

it.each<[string, unknown]>([
  ['no JSON', 'nonsense'],
  ['a list', []],
  ['another type', { ...notice, type: 'payment.exploded' }],
  ['no attempt', { ...notice, attemptId: undefined }],
  ['an amount that is none', { ...notice, amount: { amount: '125000', currency: 'INR' } }],
  ['a broken amount', { ...notice, amount: { amount: 0.5, currency: 'INR' } }],
  ['a time that is none', { ...notice, at: 'now' }],
  ['the event of another provider', { ...notice, provider: 'simulator-backup' }],
  ...['id', 'bookingId', 'attemptId', 'reference', 'refundId', 'reason'].flatMap((field) => [
    [`a ${field} that cannot be kept`, { ...notice, [field]: 'a\0b' }] as [string, unknown],
    [`half a character in its ${field}`, { ...notice, [field]: 'a\ud800' }] as [string, unknown],
  ]),
])('a signed body refused: %s', (_what, body) => {
  expect(verifyBody(body)).toEqual({ ok: false, reason: 'body_invalid' });
});

it('a body that is no UTF-8 is refused', () => {
  const body = Buffer.concat([Buffer.from(golden.slice(0, -2)), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(verify(sign(body), body)).toEqual({ ok: false, reason: 'body_invalid' });
});

it('tells payments from refunds, and how they ended', () => {
  const failed = { ...notice, type: 'payment.failed', reference: 'ch_1', reason: 'declined_by_bank', later: 'field' };
  expect(verifyBody(failed)).toMatchObject({
    event: {
      kind: 'payment',
      notification: { outcome: 'failed', providerReference: 'ch_1', reason: 'declined_by_bank' },
    },
  });
  for (const [type, outcome] of [
    ['refund.succeeded', 'succeeded'],
    ['refund.failed', 'failed'],
  ]) {
    expect(verifyBody({ ...notice, type, reference: 're_1', refundId: 'ref_1' })).toMatchObject({
      event: { kind: 'refund', notification: { outcome, refundId: 'ref_1', providerReference: 're_1' } },
    });
  }
  expect(verifyBody({ ...notice, type: 'refund.succeeded' })).toMatchObject({
    event: { kind: 'refund', notification: { refundId: null } },
  });
});

it('each provider of the registry has its verifier', () => {
  const verifiers = paymentWebhookVerifiers({ simulator: secret });
  expect([...verifiers.keys()]).toEqual(['simulator', 'simulator-backup']);
  for (const [provider, verifier] of verifiers) {
    expect(verifier.signatureHeader).toBe('x-signature');
    const verdict = verifier.verify(sign(golden), Buffer.from(golden), nowMs);
    expect(verdict).toMatchObject({ ok: true, event: { notification: { provider } } });
  }
});
