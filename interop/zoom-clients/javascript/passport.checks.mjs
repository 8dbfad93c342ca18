// @giorgosavgeris/passport-zoom-oauth2: a strategy of Passport, driven as Passport drives it.
import assert from 'node:assert/strict';
import { Strategy } from '@giorgosavgeris/passport-zoom-oauth2';
import { allow, check, scene } from './zoom.mjs';

const callbackURL = 'http://127.0.0.1:4100/callback';
const { user, app } = await scene('passport', { redirect_uris: [callbackURL], scopes: ['user:read:user'] });

/** One request through the strategy: what Passport would do next. */
function authenticate(request) {
  return new Promise((resolve, reject) => {
    const verify = (access, refresh, profile, done) => done(null, { access, refresh, profile });
    const strategy = new Strategy({ clientID: app.client_id, clientSecret: app.client_secret, callbackURL }, verify);
    Object.assign(strategy, {
      redirect: (url) => resolve({ url }),
      success: (session) => resolve({ session }),
      fail: (reason) => reject(new Error(`refused: ${JSON.stringify(reason)}`)),
      error: reject,
    });
    strategy.authenticate(request, {});
  });
}

await check('passport: code exchange and profile', async () => {
  const { url } = await authenticate({ query: {} });
  const code = new URL(await allow(url)).searchParams.get('code');
  const { session } = await authenticate({ query: { code } });
  assert.ok(session.access && session.refresh);
  assert.equal(session.profile.id, user.id);
  assert.equal(session.profile._json.email, 'passport@example.test');
});

await check('passport: a code of nobody is refused as Zoom does', async () => {
  await assert.rejects(authenticate({ query: { code: 'nonsense' } }), { name: 'TokenError', code: 'invalid_grant' });
});
