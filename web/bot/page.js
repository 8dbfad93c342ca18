// One bot: starts Zoom's Web Meeting SDK (Component view), reports `ready`, and waits for a meeting.
//
// The page sends messages with `latchkeyEvent(json)`, a binding that the crate `browser` creates. The crate parses each
// message as a `PageMessage`. The crate calls the page with seven functions: `bot.wantCaptions()`, `bot.join(request)`,
// `bot.leave()`, `bot.show(picture)` and `bot.chat(id, text, to)` (outputs.js), and around each screenshot `bot.pose()` and
// `bot.relax()`. The page reports facts. What they mean for a bot is decided in Rust (crates/browser/src/page_messages.rs).

(() => {
  'use strict';

  // All times are in milliseconds. How often to check whether a bot was dropped from its meeting without any event.
  const PRESENCE_CHECK = 2000;
  // A page that was not told to join within this time counts as a warm one.
  const IDLE = 300;
  // A busy meeting changes many times a second. The roster is reported at most once in this interval.
  const ROSTER_INTERVAL = 200;
  // How long a screenshot waits for the page to be drawn. After that it shows the page as it is.
  const DRAW_DEADLINE = 3000;
  // A page whose screenshot was abandoned returns to the minimized view by itself after this time.
  const POSE_LIMIT = 10000;
  // The frame that the SDK draws around the gallery: 2 pixels on each side, 91 above and below together.
  const FRAME = { width: 4, height: 91 };
  // How many tiles fit on the gallery's first page, including the bot's own, and how many fit next to a shared screen.
  const TILES = { gallery: 9, ribbon: 4 };

  // The most exceptions that are reported: repeated ones contain no new information.
  const MOST_SCRIPTS = 50;

  let client;
  // Reports the events of the meeting (meeting.js).
  let meeting;
  // The bot's picture and chat messages (outputs.js).
  let outputs;
  // Whether the socket was accepted and has not been lost since. While this is false, `getCurrentUser()` is null.
  let connected = false;
  // Whether the SDK checks by itself if the meeting has started. It does so after a refusal by the meeting's own socket.
  let waitsForHost = false;
  // The number of joins, and whether the last one's refusal was reported: the SDK reports each refusal twice.
  let attempts = 0;
  let refused = false;
  // Whether the bot is out. Then the SDK shows the reason in a dialog or a notice (unless it waits for the host).
  let over = false;
  // Texts that must never leave the page, whatever the SDK writes into an error.
  let secrets = [];
  // The number of exceptions that were reported.
  let scripts = 0;

  const scrub = (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '…'), text);
  const say = (message) => latchkeyEvent(JSON.stringify(message));
  // Reports the page's calls to Zoom and its console (evidence.js).
  const evidence = watchPage({ say, scrub });
  const sayScript = (error) => {
    const message = scrub(String(error?.stack ?? error?.reason ?? error)).slice(0, 500);
    // The first is rejected at every join if the account has captions switched off. The second is thrown at each caption
    // that the SDK tries to draw.
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
    // After a loss, all participants and the bot itself are announced again.
    else forgetRoster(change);
    if (change.state === 'Fail') return refuse(change);
    if (change.state === 'Closed') over = true;
    const reason = change.reason === undefined ? undefined : scrub(String(change.reason));
    say({ type: 'connection', state: change.state, reason });
    if (connected) sayRoster();
  };

  // --- roster ----------------------------------------------------------------------------------------------

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
    // Participants on hold are not in this list. It is empty while the bot itself is on hold.
    const others = client.getAttendeeslist().filter((attendee) => attendee.userId !== me.userId).length;
    const roster = JSON.stringify({ type: 'roster', hold: Boolean(me.isHold), others });
    if (roster === lastRoster) return;
    lastRoster = roster;
    meeting.flush();
    latchkeyEvent(roster);
  };

  // The first change is reported at once. Changes that follow within the interval are reported together.
  const rosterChanged = () => {
    if (rosterTimer) return;
    sayRoster();
    rosterTimer = setTimeout(() => {
      rosterTimer = 0;
      sayRoster();
    }, ROSTER_INTERVAL);
  };

  // If Zoom closes the connection with gateway reason 1, the SDK sends no event.
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
    // The SDK will join by itself. A second join would put the bot into the meeting twice.
    if (waitsForHost) return;
    const attempt = ++attempts;
    refused = over = false;
    const { signature, password, zak, obfToken, recordingToken, tk } = request;
    secrets = [signature, password, zak, obfToken, recordingToken, tk].filter(Boolean);
    // Some secrets are part of URLs; the passcode is encoded twice there.
    const encoded = secrets.map(encodeURIComponent);
    secrets = [...new Set([...encoded.map(encodeURIComponent), ...encoded, ...secrets])];
    evidence.begin();
    forgetRoster();
    client.join(request).then(sayRoster, (error) => {
      if (attempt !== attempts) return;
      // Only a refusal by the meeting's own socket (step 3), with code 3008 for "not started", includes `meetingInfo`.
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
  // A bot stays in the minimized view: where reactions are allowed, the SDK redraws its gallery and speaker views
  // continuously, which takes most of a core. For a screenshot the page switches to the gallery, and then back.

  let posing = 0;
  // The current users of the gallery. It is shown while there are any.
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
  // Dialogs fade in and notices slide in. A spinner has an endless animation, which does not count.
  const moving = () =>
    document.getAnimations().some(
      (animation) => animation.playState === 'running' && animation.effect.getComputedTiming().endTime !== Infinity,
    );
  const inMeeting = () => connected && client.getCurrentUser()?.isHold === false;
  // The SDK shows a shared screen in the ribbon view, whatever was chosen. The gallery would be drawn over it.
  const pictureView = () => (client.getAttendeeslist().some((attendee) => attendee.sharerOn) ? 'ribbon' : 'gallery');

  // The SDK shows and moves the video of the bot's own tile some time after the tiles themselves.
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

  // Resolves when the page is ready for a screenshot: it shows who is there, or why the bot is out.
  const pose = async () => {
    const deadline = performance.now() + DRAW_DEADLINE;
    clearTimeout(posing);
    posing = setTimeout(relax, POSE_LIMIT);
    if (inMeeting()) await showGallery(pose, pictureView());
    // Waits for two complete frames in a row, because the page's content is painted only with the next frame.
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
  // Does not wait: the outcome is reported by a message.
  const chat = (id, text, to) => void outputs.chat(id, text, to);

  window.bot = { join, leave, show, chat, pose, relax, wantCaptions };

  // --- start -----------------------------------------------------------------------------------------------

  // The largest gallery that fits the window. The SDK always makes it 16:9.
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
    // `on` throws until `init` has resolved.
    client.on('connection-change', connectionChanged);
    meeting.listen();
    for (const event of ['user-added', 'user-updated', 'user-removed']) client.on(event, rosterChanged);
    setInterval(checkPresence, PRESENCE_CHECK);
  };

  // The SDK compiles its media code during a join. A page that has no meeting yet can do it before the join. A page that is
  // told to join at once must not wait for it.
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
