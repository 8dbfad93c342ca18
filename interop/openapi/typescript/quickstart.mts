// The quickstart with types that openapi-typescript made from the document, and openapi-fetch.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import createClient from 'openapi-fetch';
import type { components, paths } from './latchkey.js';

const { LATCHKEY_URL, LATCHKEY_API_KEY, ZOOM_CONTROL } = process.env;
assert(LATCHKEY_URL && LATCHKEY_API_KEY && ZOOM_CONTROL, 'run this beside a Latchkey');

/** What a person does at Zoom, where the simulator stands. */
async function simulator<T>(path: string, fields: object): Promise<T> {
  const answer = await fetch(ZOOM_CONTROL + path, { method: 'POST', body: JSON.stringify(fields) });
  assert(answer.ok, `${path}: ${answer.status}`);
  return (await answer.json()) as T;
}

const client = createClient<paths>({
  baseUrl: LATCHKEY_URL,
  headers: { Authorization: `Token ${LATCHKEY_API_KEY}` },
});

/** The body of an answer that is no refusal. */
function good<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T {
  assert(data !== undefined, `${response.status} ${JSON.stringify(error)}`);
  return data;
}

const atZoom = await simulator<{ client_id: string; client_secret: string }>('/apps', {
  name: 'TypeScript',
  kind: 'user_level',
  sdk: true,
});
const app = good(
  await client.POST('/api/v2/zoom-oauth-apps/', {
    body: {
      kind: 'user_level',
      client_id: atZoom.client_id,
      client_secret: atZoom.client_secret,
      webhook_secret: 'of-the-webhook',
    },
  }),
);
console.log('ok   typescript: an app is registered');

const [consent] = await simulator<{ user_id: string; refresh_token: string }[]>('/consents', {
  client_id: atZoom.client_id,
  count: 1,
});
assert(consent);
const account = good(
  await client.POST('/api/v2/zoom-oauth-credentials/', {
    body: { oauth_app: app.id, refresh_token: consent.refresh_token },
  }),
);
assert.equal(account.user_id, consent.user_id);
assert.equal(account.latchkey_status, 'healthy');
console.log('ok   typescript: an account is imported');

const link = good(
  await client.POST('/api/latchkey/v1/token-links/', { body: { dialect: 'bearer', credential: account.id } }),
);
assert(link.url && link.authorization);
const fetched = await fetch(link.url, { headers: { authorization: link.authorization } });
const token = (await fetched.json()) as { kind: string; token: string };
assert.equal(token.kind, 'zak');
assert.equal(token.token.split('.').length, 3);
console.log('ok   typescript: a token link gives a ZAK');

/** What a program of the guide for people's own bots prints. */
function guide(program: string, environment: Record<string, string>): string {
  const file = fileURLToPath(new URL(program, import.meta.url));
  return execFileSync(process.execPath, [file], { env: environment, encoding: 'utf8' }).trim();
}
const fromRequests = good(
  await client.POST('/api/latchkey/v1/token-links/', {
    body: { dialect: 'bearer', credential: account.id, meeting_in_request: true },
  }),
);
assert(fromRequests.url && fromRequests.authorization);
const bearer = { LINK: fromRequests.url, AUTHORIZATION: fromRequests.authorization, MEETING: '81234567890' };
assert.equal(guide('zak_bearer.mjs', bearer).split('.').length, 3);
const signed = good(
  await client.POST('/api/latchkey/v1/token-links/', { body: { dialect: 'recall', credential: account.id } }),
);
const { secret } = good(await client.GET('/api/latchkey/v1/callback-secret/'));
assert(signed.url && secret);
assert.equal(guide('zak_signed.mjs', { LINK: signed.url, SECRET: secret }).split('.').length, 3);
console.log('ok   typescript: the programs of the guide print a ZAK');

type Bot = components['schemas']['Bot'];
const code = (bot: Bot) => bot.status_changes.at(-1)?.code;
const meeting = await simulator<{ join_url: string }>('/meetings', {
  host_id: consent.user_id,
  topic: 'TypeScript',
  passcode: 'latch1',
  sign_in: 'any',
  started: true,
});
const made = good(
  await client.POST('/api/v1/bot/', {
    body: { meeting_url: meeting.join_url, bot_name: 'Notes', zoom: { credential: account.id } },
  }),
);
const params = { path: { id: made.id } };
const deadline = Date.now() + 120_000;

/** Reads the bot until it is in one of these states. */
async function until(...states: string[]): Promise<Bot> {
  for (;;) {
    const bot = good(await client.GET('/api/v1/bot/{id}/', { params }));
    if (states.includes(code(bot) ?? '')) return bot;
    assert(Date.now() < deadline, JSON.stringify(bot.status_changes));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
assert.equal(code(await until('in_call_not_recording', 'done', 'fatal')), 'in_call_not_recording');
good(await client.POST('/api/v1/bot/{id}/leave_call/', { params }));
assert.equal(code(await until('done', 'fatal')), 'done');
console.log('ok   typescript: a bot joins signed in, is read, and leaves');

const refused = await client.POST('/api/v1/bot/', { body: { meeting_url: 'no link' } });
assert.equal(refused.response.status, 400);
assert(refused.error && 'meeting_url' in refused.error);
console.log('ok   typescript: a refusal is typed, with the field that is wrong');
