// Standard Webhooks: the libraries `svix` and `standardwebhooks`, and Latchkey, accept each other's signatures.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import * as standardwebhooks from 'standardwebhooks';
import * as svix from 'svix';

import { ByHand } from './by-hand.mjs';
import * as latchkey from './latchkey.mjs';
import { check } from './report.mjs';

// A fetch has no body; a report has one that names an event.
const BODIES = [
  '',
  JSON.stringify({ event: 'bot.joining_call', bot: 'Zürich 🗝', n: 1.5 }),
  '{\n "event" : "white space" \t}\n',
];

const whsec = () => `whsec_${randomBytes(32).toString('base64')}`;

/** The three headers, as the library signs them. */
function signed(webhook, family, body, secondsAgo = 0) {
  const [id, at] = [`msg_${randomUUID()}`, new Date(Date.now() - secondsAgo * 1000)];
  return {
    [`${family}-id`]: id,
    [`${family}-timestamp`]: String(Math.floor(at / 1000)),
    [`${family}-signature`]: webhook.sign(id, at, body),
  };
}

/** A token, or that a report was taken, or the stable code of the refusal. */
async function fetchToken(link, headers, body) {
  const answer = await (body ? fetch(`${link}/status`, { method: 'POST', headers, body }) : fetch(link, { headers }));
  const text = await answer.text();
  if (body && answer.status === 204) return 'taken';
  return answer.status === 200 && text.split('.').length === 3 ? 'a token' : `${answer.status} ${text.split(':')[0]}`;
}

async function linkAccepts(who, Webhook, account) {
  const [one, other, foreign] = [whsec(), whsec(), whsec()];
  const link = await latchkey.tokenLink(account, { signing_secret: [one, other] });
  const expect = async (headers, body, expected) => assert.equal(await fetchToken(link, headers, body), expected);

  await check(who, 'signs and a token link gives a ZAK, and takes a report: both header families, both secrets of a link', async () => {
    for (const family of ['webhook', 'svix']) {
      for (const secret of [one, other]) {
        for (const body of BODIES) await expect(signed(new Webhook(secret), family, body), body, body ? 'taken' : 'a token');
      }
    }
  });
  await check(who, 'signs for a rotation: one right entry among several is enough', async () => {
    const headers = signed(new Webhook(one), 'webhook', '');
    headers['webhook-signature'] = `v1a,AAAA v1,AAAA ${headers['webhook-signature']}`;
    await expect(headers, '', 'a token');
  });
  await check(who, 'signs, and another secret, body, id, and an old or early time are refused', async () => {
    for (const family of ['webhook', 'svix']) {
      await expect(signed(new Webhook(foreign), family, ''), '', '401 signature_invalid');
      await expect(signed(new Webhook(one), family, 'one'), 'other', '401 signature_invalid');
      const otherId = { ...signed(new Webhook(one), family, ''), [`${family}-id`]: 'msg_other' };
      await expect(otherId, '', '401 signature_invalid');
      for (const secondsAgo of [320, -320]) {
        await expect(signed(new Webhook(one), family, '', secondsAgo), '', '401 signature_stale');
      }
    }
    await expect({}, '', '401 signature_missing');
  });
}

/** Answers an account, whose tokens Latchkey fetched in a call that the library has verified. */
async function libraryAccepts(who, Webhook, token) {
  const connects = (secret) => {
    const webhook = new Webhook(secret);
    return latchkey.withCustomersServer(token, (body, headers) => webhook.verify(body, headers), latchkey.connect);
  };
  const former = await latchkey.rotateCallbackSecret(0);
  const [status, account] = await connects(former);
  await check(who, 'verifies what Latchkey sends', () => assert.equal(status, 201));
  const current = await latchkey.rotateCallbackSecret(3600);
  await check(who, 'verifies it with the new and the former secret, while they are rotated', async () => {
    for (const secret of [former, current]) assert.equal((await connects(secret))[0], 201);
  });
  await check(who, 'refuses it with any other secret', async () => {
    const [status, answer] = await connects(whsec());
    assert.deepEqual([status, answer.code], [400, 'access_token_callback_failed']);
  });
  return account.id;
}

/** Events of an endpoint, as the library reads them. */
async function libraryAcceptsEvents(who, Webhook, families) {
  await latchkey.withReceiver(async (url, next) => {
    const { id, secret: former } = await latchkey.endpoint(url, { svix_headers: true });
    const event = async () => {
      await latchkey.sendTest(id);
      return next();
    };
    const refused = (secret, body, headers) => assert.throws(() => new Webhook(secret).verify(body, headers));

    await check(who, 'verifies events, by either header family, and no changed one', async () => {
      const [body, headers] = await event();
      for (const family of families) {
        const theirs = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(family)));
        new Webhook(former).verify(body, theirs);
      }
      assert.equal(JSON.parse(body).event, 'webhook_endpoint.test');
      refused(former, `${body} `, headers);
      refused(whsec(), body, headers);
    });
    let current;
    await check(who, 'verifies events with the new and the former secret, while they are rotated', async () => {
      current = await latchkey.rotateEndpointSecret(id, 3600);
      const [body, headers] = await event();
      for (const secret of [former, current]) new Webhook(secret).verify(body, headers);
    });
    await check(who, 'refuses events by a secret that has ended', async () => {
      const last = await latchkey.rotateEndpointSecret(id, 0);
      const [body, headers] = await event();
      new Webhook(last).verify(body, headers);
      for (const secret of [former, current]) refused(secret, body, headers);
    });
  });
}

const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));
for (const [name, { Webhook }] of Object.entries({ svix, standardwebhooks })) {
  const who = `JavaScript ${name} ${dependencies[name]}`;
  const account = await libraryAccepts(who, Webhook, await latchkey.zoomAccessToken());
  await linkAccepts(who, Webhook, account);
  await libraryAcceptsEvents(who, Webhook, name === 'svix' ? ['webhook', 'svix'] : ['webhook']);
}
await libraryAcceptsEvents('JavaScript by hand, as Recall documents it', ByHand, ['webhook', 'svix']);
