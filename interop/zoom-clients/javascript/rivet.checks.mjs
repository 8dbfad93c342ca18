// @zoom/rivet, Zoom's own library: OAuth, REST and webhooks.
import assert from 'node:assert/strict';
import { MeetingsOAuthClient } from '@zoom/rivet/meetings';
import { UsersOAuthClient, UsersS2SAuthClient } from '@zoom/rivet/users';
import { allow, check, control, scene, until } from './zoom.mjs';

const PORT = 4100;
const HERE = `http://127.0.0.1:${PORT}`;
const { user, app } = await scene('rivet', {
  name: 'Rivet',
  redirect_uris: [`${HERE}/zoom/oauth/callback`],
  scopes: ['user:read:user', 'user:read:token', 'meeting:read:list_meetings', 'meeting:read:meeting',
    'meeting:write:meeting', 'meeting:update:meeting', 'meeting:delete:meeting', 'meeting:read:local_recording_token'],
});

// One store of tokens for both of its clients, as an app with several products has it.
let stored;
const tokenStore = { getLatestToken: () => stored, storeToken: (token) => { stored = token; } };
const options = {
  clientId: app.client_id,
  clientSecret: app.client_secret,
  webhooksSecretToken: 'planted-secret-token',
  tokenStore,
  installerOptions: { redirectUri: HERE, stateStore: 'a secret of thirty-two characters', directInstall: true },
};
const users = new UsersOAuthClient({ ...options, port: PORT });
const meetings = new MeetingsOAuthClient({ ...options, port: PORT + 1 });
const servers = [await users.start(), await meetings.start()];

await check('rivet: code exchange through its receiver', async () => {
  const install = await fetch(`${HERE}/zoom/oauth/install`, { redirect: 'manual' });
  const cookie = install.headers.getSetCookie()[0].split(';')[0];
  const callback = await allow(install.headers.get('location'));
  const done = await fetch(callback, { headers: { cookie } });
  assert.equal(done.status, 200, await done.text());
  assert.ok(stored.accessToken && stored.refreshToken);
  assert.ok(stored.scopes.includes('user:read:token'));
});

await check('rivet: users/me', async () => {
  const me = await users.endpoints.users.getUser({ path: { userId: 'me' } });
  assert.deepEqual([me.data.id, me.data.email], [user.id, 'rivet@example.test']);
});

await check('rivet: token?type=zak', async () => {
  const { data } = await users.endpoints.users.getUsersToken({ path: { userId: 'me' }, query: { type: 'zak', ttl: 600 } });
  const claims = JSON.parse(Buffer.from(data.token.split('.')[1], 'base64url'));
  assert.deepEqual([claims.uid, claims.exp - claims.iat], [user.id, 600]);
});

await check('rivet: a rotated token after its own refresh', async () => {
  const before = stored.refreshToken;
  stored = { ...stored, expirationTimeIso: new Date().toISOString() };
  await users.endpoints.users.getUser({ path: { userId: 'me' } });
  assert.notEqual(stored.refreshToken, before);
});

let number;
await check('rivet: a meeting made, listed in pages, changed', async () => {
  const settings = { waiting_room: true };
  const make = (topic) => meetings.endpoints.meetings.createMeeting({ path: { userId: 'me' }, body: { topic, type: 2, settings } });
  number = (await make('First')).data.id;
  await make('Second');
  const list = (query) => meetings.endpoints.meetings.listMeetings({ path: { userId: 'me' }, query: { page_size: 1, ...query } });
  const first = (await list({})).data;
  const second = (await list({ next_page_token: first.next_page_token })).data;
  assert.deepEqual([...first.meetings, ...second.meetings].map((meeting) => meeting.topic).sort(), ['First', 'Second']);
  assert.equal(second.next_page_token, '');
  await meetings.endpoints.meetings.updateMeeting({ path: { meetingId: number }, body: { topic: 'Best' } });
  const read = await meetings.endpoints.meetings.getMeeting({ path: { meetingId: number } });
  assert.deepEqual([read.data.topic, read.data.settings.waiting_room], ['Best', true]);
});

await check('rivet: join token', async () => {
  const ask = meetings.endpoints.meetings.getMeetingsJoinTokenForLocalRecording;
  const { data } = await ask({ path: { meetingId: number }, query: { bypass_waiting_room: true } });
  assert.equal(data.expire_in, 120);
  assert.ok(data.token);
});

await check('rivet: an error is told as Zoom words it', async () => {
  const missing = meetings.endpoints.meetings.getMeeting({ path: { meetingId: 81234567890 } });
  await assert.rejects(missing, /404\/3001.*Meeting does not exist/);
  const forbidden = users.endpoints.users.listUsers({});
  await assert.rejects(forbidden, /400\/4711.*user:read:list_users:admin/);
});

await check('rivet: webhooks are validated, verified and heard', async () => {
  const heard = [];
  meetings.webEventConsumer.event('meeting.updated', ({ payload }) => heard.push(payload));
  const hook = { url: `http://127.0.0.1:${PORT + 1}/zoom/events`, secret_token: options.webhooksSecretToken };
  const registered = await control('PUT', `/apps/${app.client_id}/webhook`, hook);
  assert.equal(registered.last_validation.reason, null);
  await control('PATCH', `/meetings/${number}`, { topic: 'Übergröße “& more”' });
  const [payload] = await until(() => heard.length && heard);
  assert.deepEqual(payload.object, { id: number, topic: 'Übergröße “& more”' });
  assert.equal(payload.old_object.topic, 'Best');
});

await check('rivet: a forged webhook is refused', async () => {
  const forged = { event: 'user.deleted', user_id: user.id, signed: 'forged' };
  const sent = await control('POST', `/apps/${app.client_id}/webhook/send`, forged);
  assert.equal(sent.attempts[0].status, 400);
  assert.match(sent.attempts[0].answer, /Failed to verify/);
});

await check('rivet: server-to-server', async () => {
  const own = await control('POST', '/apps', { kind: 'server_to_server', scopes: ['user:read:list_users:admin'] });
  const client = new UsersS2SAuthClient({
    clientId: own.client_id, clientSecret: own.client_secret, accountId: own.account_id, disableReceiver: true,
  });
  const { data } = await client.endpoints.users.listUsers({ query: { page_size: 300 } });
  assert.ok(data.users.some((found) => found.id === user.id));
});

for (const server of servers) server.close();
