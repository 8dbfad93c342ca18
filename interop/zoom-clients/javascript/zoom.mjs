// What every suite of checks needs: its line for each check, the control API, and a person at a browser.

/** Prints a line for a check; a failure says why, and makes the process fail in the end. */
export async function check(name, work) {
  try {
    await work();
    console.log(`ok   ${name}`);
  } catch (error) {
    console.log(`FAIL ${name}: ${error.stack}`);
    process.exitCode = 1;
  }
}

/** Calls the simulator's control API. */
export async function control(method, path, body) {
  const request = { method, body: body && JSON.stringify(body) };
  const answer = await fetch(process.env.SIM + path, request);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${text}`);
  return text && JSON.parse(text);
}

/** A user, with an app of a scope list of its own. */
export async function scene(name, app) {
  const user = await control('POST', '/users', { email: `${name}@example.test`, display_name: 'Ada Lovelace' });
  await control('PUT', '/signed-in', { user_id: user.id });
  return { user, app: await control('POST', '/apps', app) };
}

/** Opens an authorisation URL as a browser does, presses Allow, and says where Zoom sends the browser. */
export async function allow(url) {
  const page = await (await fetch(url)).text();
  const consent = /name="consent" value="([^"]+)"/.exec(page)?.[1];
  if (!consent) throw new Error(`no consent page: ${page}`);
  const form = new URLSearchParams({ consent, decision: 'allow' });
  const decision = { method: 'POST', body: form, redirect: 'manual' };
  return (await fetch(new URL('/oauth/authorize', url), decision)).headers.get('location');
}

/** Waits until `what` says something true. */
export async function until(what) {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((wake) => setTimeout(wake, 20))) {
    const found = await what();
    if (found) return found;
  }
  throw new Error('it did not happen within ten seconds');
}
