// One bot: starts Zoom's Web Meeting SDK (Component view), reports `ready`, and waits for a meeting.
//
// Outwards there is one way: `latchkeyEvent(json)`, a binding made by the crate `browser`, which reads each
// message as its `PageMessage`. Inwards there are seven: `bot.wantCaptions()`, `bot.join(request)`, `bot.leave()`,
// `bot.show(picture)` and `bot.chat(id, text, to)` (outputs.js), and around each screenshot `bot.pose()` and `bot.relax()`.
// The page states facts; what they mean for a bot is decided in Rust (crates/browser/src/tracker.rs).

(() => {
  'use strict';

  // How often a bot in a meeting is checked for having been dropped without any event.
  const PRESENCE_CHECK = 2000;
  // A page that was not told to join by then is a warm one.
  const IDLE = 300;
  // A busy meeting changes many times a second; nobody wants to hear it more often than this.
  const ROSTER_INTERVAL = 200;
  // The most that a screenshot waits for the page to be drawn. After that it shows the page as it is.
  const DRAW_DEADLINE = 3000;
  // A page whose screenshot was given up goes back to its resting view by itself.
  const POSE_LIMIT = 10000;
  // What the SDK draws around the gallery: 2 pixels on each side, 91 above and below in all.
  const FRAME = { width: 4, height: 91 };
  // So many tiles fit on the gallery's first page, the bot's own among them; and beside a shared screen.
  const TILES = { gallery: 9, ribbon: 4 };

  // What is thrown again and again says nothing new.
  const MOST_SCRIPTS = 50;

  let client;
  // What happens in the meeting (meeting.js).
  let meeting;
  // What the bot shows and says (outputs.js).
  let outputs;
  // Socket accepted and not lost since. While it is false, `getCurrentUser()` is null for good reason.
  let connected = false;
  // After a refusal by the meeting's own socket the SDK asks by itself whether the meeting has begun.
  let waitsForHost = false;
  // Joins so far, and whether the last one's refusal has been told: the SDK says each twice.
  let attempts = 0;
  let refused = false;
  // The bot is out, and the SDK says why in a dialog or a notice (unless it waits for the host).
  let over = false;
  // What must never leave the page, whatever the SDK writes into an error.
  let secrets = [];
  // Exceptions that were reported.
  let scripts = 0;

  const scrub = (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '…'), text);
  const say = (message) => latchkeyEvent(JSON.stringify(message));
  // The page's calls to Zoom and its console (evidence.js).
  const evidence = watchPage({ say, scrub });
  const sayScript = (error) => {
    const message = scrub(String(error?.stack ?? error?.reason ?? error)).slice(0, 500);
    // Rejected at every join of a meeting whose account has captions switched off; and thrown at each caption that the SDK
    // tries to draw.
    if (/enable CC & LT|debounce\)? is not a function/.test(message) || ++scripts > MOST_SCRIPTS) return;
    say({ type: 'script', message });
  };
  window.addEventListener('error', (event) => sayScript(event.error ?? event.message));
  window.addEventListener('unhandledrejection', (event) => sayScript(event.reason));

  const refuse = (error) => {
    if (refused) return;
    refused = true;
    over = true;
    const { errorCode, reason = error, url } = error ?? {};
    say({ type: 'refused', code: Number(errorCode), reason: scrub(String(reason)), url });
  };

  const connectionChanged = (change) => {
    connected = change.state === 'Connected';
    if (connected) refused = waitsForHost = over = false;
    // After a loss everybody is announced anew, and so is the bot's own place.
    else forgetRoster(change);
    if (change.state === 'Fail') return refuse(change);
    if (change.state === 'Closed') over = true;
    const reason = change.reason === undefined ? undefined : scrub(String(change.reason));
    say({ type: 'connection', state: change.state, reason });
    if (connected) sayRoster();
  };

  // --- who is here -----------------------------------------------------------------------------------------

  let lastRoster = '';
  let rosterTimer = 0;
  let seen = false;
  let inside = false;

  const forgetRoster = (change) => {
    meeting.away(change);
    lastRoster = '';
    seen = inside = false;
  };

  const sayRoster = () => {
    const me = client.getCurrentUser();
    if (!me || !connected) return;
    seen = true;
    if (!inside && !me.isHold) outputs.entered();
    inside = !me.isHold;
    if (me.isHold) meeting.away();
    else meeting.arrived(me);
    // People on hold are not in this list, and nobody is while the bot itself is on hold.
    const others = client.getAttendeeslist().filter((attendee) => attendee.userId !== me.userId).length;
    const roster = JSON.stringify({ type: 'roster', hold: Boolean(me.isHold), others });
    if (roster === lastRoster) return;
    lastRoster = roster;
    meeting.flush();
    latchkeyEvent(roster);
  };

  // The first change is told at once, those that follow within the interval together.
  const rosterChanged = () => {
    if (rosterTimer) return;
    sayRoster();
    rosterTimer = setTimeout(() => {
      rosterTimer = 0;
      sayRoster();
    }, ROSTER_INTERVAL);
  };

  // One way of being closed (gateway reason 1) comes with no event at all.
  const checkPresence = () => {
    if (connected && seen && !client.getCurrentUser()) {
      connected = false;
      over = true;
      forgetRoster();
      say({ type: 'vanished' });
    }
  };

  // --- commands --------------------------------------------------------------------------------------------

  const join = (request) => {
    // The SDK is about to join by itself; a second join would put the bot in twice.
    if (waitsForHost) return;
    const attempt = ++attempts;
    refused = over = false;
    const { signature, password, zak, obfToken, recordingToken, tk } = request;
    secrets = [signature, password, zak, obfToken, recordingToken, tk].filter(Boolean);
    // Some go into addresses, the passcode encoded twice.
    const encoded = secrets.map(encodeURIComponent);
    secrets = [...new Set([...encoded.map(encodeURIComponent), ...encoded, ...secrets])];
    evidence.begin();
    forgetRoster();
    client.join(request).then(sayRoster, (error) => {
      if (attempt !== attempts) return;
      // Only the meeting's own socket (step 3) knows the meeting when it says that it has not started.
      waitsForHost = error?.errorCode === 3008 && Boolean(error?.meetingInfo);
      refuse(error);
    });
  };

  const leave = () => {
    say({ type: 'leaving' });
    meeting.flush();
    client.leaveMeeting().then(() => say({ type: 'left' }), sayScript);
  };

  // --- screenshots -----------------------------------------------------------------------------------------
  //
  // A bot lives in the minimized view: where reactions are allowed, the SDK draws its gallery and speaker views anew
  // without end, and that takes most of a core. It goes to the gallery for a picture, and back.

  let posing = 0;
  // Why the gallery is shown.
  const inGallery = new Set();

  const showGallery = (why, view) => {
    inGallery.add(why);
    return client.setViewType(view);
  };
  const rest = async (why) => {
    inGallery.delete(why);
    if (inGallery.size === 0) await client.setViewType('minimized');
  };
  // Runs `work` while the gallery is shown.
  const gallery = async (work) => {
    await showGallery(work, 'gallery');
    try {
      return await work();
    } finally {
      await rest(work);
    }
  };

  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
  // Dialogs fade in and notices slide in; a spinner turns for ever.
  const moving = () =>
    document.getAnimations().some(
      (animation) => animation.playState === 'running' && animation.effect.getComputedTiming().endTime !== Infinity,
    );
  const inMeeting = () => connected && client.getCurrentUser()?.isHold === false;
  // A shared screen comes in the ribbon view, whatever was chosen; the gallery would be drawn over it.
  const pictureView = () => (client.getAttendeeslist().some((attendee) => attendee.sharerOn) ? 'ribbon' : 'gallery');

  // The SDK shows the video of the bot's own tile, and moves it, some time after the tiles themselves.
  const inPlace = (video) => {
    const { top, left, bottom, right } = video.getBoundingClientRect();
    return top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
  };
  const ownVideoShown = () => {
    if (!client.getCurrentUser().bVideoOn || !document.querySelector('video')) return true;
    return visible('video').some((video) => video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA);
  };

  const drawn = () => {
    if (moving()) return false;
    if (over && !waitsForHost) return visible('[role=dialog], [role=alert]').length > 0;
    if (!inMeeting()) return document.body.innerText.trim() !== '';
    if (!visible('video').every(inPlace) || !ownVideoShown()) return false;
    const people = new Set(client.getAttendeeslist().map((attendee) => attendee.userId)).add(client.getCurrentUser().userId);
    const named = visible('video-player-container li').filter((tile) => tile.innerText.trim() !== '');
    return named.length >= Math.min(people.size, TILES[pictureView()]);
  };

  // Resolves when the page shows all that a picture of it should: who is there, or why the bot is not.
  const pose = async () => {
    const deadline = performance.now() + DRAW_DEADLINE;
    clearTimeout(posing);
    posing = setTimeout(relax, POSE_LIMIT);
    if (inMeeting()) await showGallery(pose, pictureView());
    // Two frames in a row: what the page has is not painted before the next one.
    let steady = 0;
    do {
      await frame();
      steady = drawn() ? steady + 1 : 0;
    } while (steady < 2 && performance.now() < deadline);
  };

  const relax = () => {
    clearTimeout(posing);
    return rest(pose);
  };

  const wantCaptions = () => meeting.wantCaptions();
  const show = (picture) => outputs.show(picture);
  // What comes of it is said when it is known.
  const chat = (id, text, to) => void outputs.chat(id, text, to);

  window.bot = { join, leave, show, chat, pose, relax, wantCaptions };

  // --- start -----------------------------------------------------------------------------------------------

  // The largest gallery that fits the window; the SDK makes it 16:9 whatever it is told.
  const gallerySize = () => {
    const width = Math.min(innerWidth - FRAME.width, Math.floor(((innerHeight - FRAME.height) * 16) / 9));
    return { width, height: Math.round((width * 9) / 16) };
  };

  const start = async () => {
    client = ZoomMtgEmbedded.createClient();
    meeting = watchMeeting(client, say, gallery);
    outputs = makeOutputs({ client, inMeeting, say, scrub });
    await client.init({
      zoomAppRoot: document.getElementById('meeting'),
      language: 'en-US',
      assetPath: `${location.origin}/sdk/lib/av`,
      patchJsMedia: false,
      leaveOnPageUnload: true,
      customize: { video: { defaultViewType: 'minimized', viewSizes: { default: gallerySize() } } },
    });
    // Not before: `on` throws until `init` has resolved.
    client.on('connection-change', connectionChanged);
    meeting.listen();
    for (const event of ['user-added', 'user-updated', 'user-removed']) client.on(event, rosterChanged);
    setInterval(checkPresence, PRESENCE_CHECK);
  };

  // The SDK compiles its media half while it joins. A page that has no meeting yet has the time to do it before; a page
  // that is told to join at once must not wait for it.
  const compileMediaWhenIdle = () =>
    setTimeout(() => {
      if (attempts > 0) return;
      const script = document.createElement('script');
      script.src = '/sdk/lib/av/js_media.min.js';
      document.head.append(script);
    }, IDLE);

  window.addEventListener('DOMContentLoaded', () =>
    start().then(
      () => {
        say({ type: 'ready' });
        compileMediaWhenIdle();
      },
      (error) => say({ type: 'broken', message: String(error?.reason ?? error?.message ?? error).slice(0, 500) }),
    ),
  );
})();
