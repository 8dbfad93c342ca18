// Latchkey as a platform's server and a customer's server meet it: over HTTP.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';

const { LATCHKEY_URL, LATCHKEY_API_KEY, LATCHKEY_APP, ZOOM_CONTROL, ZOOM_CLIENT_ID } = process.env;

/** POST to Latchkey's API. */
async function api(path, fields) {
  const headers = { authorization: `Token ${LATCHKEY_API_KEY}`, 'content-type': 'application/json' };
  const answer = await fetch(LATCHKEY_URL + path, { method: 'POST', headers, body: JSON.stringify(fields) });
  return [answer.status, await answer.json()];
}

/** Connects an account whose access tokens come from this URL: status and answer. */
export function connect(callbackUrl) {
  const fields = { oauth_app: LATCHKEY_APP, access_token_callback_url: callbackUrl };
  return api('/api/v2/zoom-oauth-credentials/', fields);
}

/** The address of a new link to an account's ZAKs. */
export async function tokenLink(account, terms) {
  const [status, link] = await api('/api/latchkey/v1/token-links/', { credential: account, kind: 'zak', ...terms });
  assert.equal(status, 201, JSON.stringify(link));
  return link.url;
}

/** A new endpoint for events: its id and its secret. */
export async function endpoint(url, fields) {
  const [status, made] = await api('/api/latchkey/v1/webhook-endpoints/', { url, ...fields });
  assert.equal(status, 201, JSON.stringify(made));
  return made;
}

/** The secret that signs events from now on; the one before signs, too, for so long. */
export async function rotateEndpointSecret(id, overlapSeconds) {
  const path = `/api/latchkey/v1/webhook-endpoints/${id}/rotate-secret/`;
  const [status, made] = await api(path, { overlap_seconds: overlapSeconds });
  assert.equal(status, 200, JSON.stringify(made));
  return made.secret;
}

/** Has an event sent to an endpoint. */
export async function sendTest(id) {
  const [status, answer] = await api(`/api/latchkey/v1/webhook-endpoints/${id}/test/`, {});
  assert.ok(status < 300, JSON.stringify(answer));
}

/** Runs `use(url, next)` while a server takes events there; `next()` answers the body and the headers of the next one. */
export async function withReceiver(use) {
  const [heard, waiting] = [[], []];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(204).end();
    const event = [Buffer.concat(chunks).toString(), request.headers];
    if (waiting.length) waiting.shift()(event);
    else heard.push(event);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const next = () => heard.shift() ?? new Promise((resolve) => { waiting.push(resolve); });
  try {
    return await use(`http://127.0.0.1:${server.address().port}/events`, next);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** The secret that Latchkey signs with from now on; the one before signs, too, for so long. */
export async function rotateCallbackSecret(overlapSeconds) {
  const [status, answer] = await api('/api/latchkey/v1/callback-secret/rotate/', { overlap_seconds: overlapSeconds });
  assert.equal(status, 200, JSON.stringify(answer));
  return answer.secret;
}

/** An access token of a new user at Zoom, who has consented to the app. */
export async function zoomAccessToken() {
  const body = JSON.stringify({ client_id: ZOOM_CLIENT_ID, count: 1 });
  const answer = await fetch(`${ZOOM_CONTROL}/consents`, { method: 'POST', body });
  return (await answer.json())[0].access_token;
}

/** Runs `use(url)` while a server there answers requests with the token if `verify(body, headers)` does not throw. */
export async function withCustomersServer(token, verify, use) {
  const server = createServer((request, response) => {
    try {
      // A fetch has no body.
      verify('', request.headers);
      response.end(token);
    } catch (error) {
      response.writeHead(401).end(error.message);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    return await use(`http://127.0.0.1:${server.address().port}/token`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
