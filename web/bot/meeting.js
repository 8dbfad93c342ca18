// Reports the events of the meeting that the SDK sends: participants, speakers, chat messages and captions.
//
// Events are collected for a moment and sent in one message, `{type: 'meeting', news: […]}`. crates/browser/src/meeting.rs
// parses each of them. Texts of participants are only passed on as text: they are never drawn or run.

(() => {
  'use strict';

  // How long events are collected, in milliseconds.
  const BATCH_INTERVAL = 100;
  // A batch with this many events is sent at once.
  const BATCH_SIZE = 200;
  // The longest name or text that is passed on, in UTF-16 units. Zoom's own limits are lower.
  const LONGEST = 20000;
  // How long the button for captions may take to appear, and how long its effect may take, in milliseconds.
  const BUTTON_DEADLINE = 3000;
  const ANSWER_DEADLINE = 6000;
  // Pause before captions are requested again: a host who does not allow them may do so later.
  const ASK_AGAIN = 60000;

  // For a recording on a participant's own computer, the SDK reports 1 for on, 2 for paused and 0 for off.
  const RECORDS = [1, true];

  const text = (value) => (value == null ? undefined : String(value).slice(0, LONGEST).toWellFormed());
  const flag = (value) => (value == null ? undefined : Boolean(value));
  // The fields of a participant that an event contains. Missing fields are left out.
  const person = (user) => ({
    id: user.userId,
    guid: text(user.userGUID ?? user.userGuid),
    name: text(user.displayName),
    host: flag(user.isHost),
    co_host: flag(user.bCoHost ?? user.isCoHost),
    guest: flag(user.isGuest ?? user.bGuest),
    hold: flag(user.bHold ?? user.isHold),
    audio: text(user.audio),
    muted: flag(user.muted),
    hand: flag(user.bRaiseHand),
    camera: flag(user.bVideoOn),
    shares: flag(user.sharerOn),
    records: user.bLocalRecord == null ? undefined : RECORDS.includes(user.bLocalRecord),
  });
  const all = (list) => (Array.isArray(list) ? list : [list]).filter(Boolean);

  // `gallery(work)` runs `work` while the gallery is shown, because its toolbar has the button for captions.
  window.watchMeeting = (client, say, gallery) => {
    let news = [];
    let timer = 0;
    // The breakout room; null is the main session.
    let room = null;
    // Whether the bot and the other participants were reported since the last connection.
    let told = false;
    let wantsCaptions = false;
    let subscribed = false;
    let asking = 0;
    let captions;

    const flush = () => {
      clearTimeout(timer);
      timer = 0;
      if (news.length > 0) say({ type: 'meeting', news });
      news = [];
    };
    const tell = (one) => {
      news.push(one);
      if (news.length >= BATCH_SIZE) flush();
      else timer ||= setTimeout(flush, BATCH_INTERVAL);
    };

    const listen = () => {
      client.on('user-added', (list) => all(list).forEach((user) => tell({ what: 'added', person: person(user) })));
      client.on('user-updated', (list) => all(list).forEach((user) => tell({ what: 'updated', person: person(user) })));
      client.on('user-removed', (list) => all(list).forEach(({ userId }) => tell({ what: 'removed', id: userId })));
      client.on('active-speaker', (list) => tell({ what: 'speaking', users: all(list).map(({ userId }) => userId) }));
      client.on('chat-on-message', ({ id, message, sender, receiver }) =>
        tell({
          what: 'chat',
          id: text(id),
          from: sender?.userId,
          name: text(sender?.name),
          to: receiver?.userId ?? 0,
          text: text(message),
        }),
      );
      client.on('local-recording-change', (user) => tell({ what: 'updated', person: person(user) }));
      client.on('recording-change', (state) => tell({ what: 'cloud_recording', state: text(state) }));
    };

    const heardCaption = ({ msgId, userId, displayName, text: words, language, done }) =>
      tell({
        what: 'caption',
        id: text(msgId),
        user: userId,
        name: text(displayName),
        text: text(words),
        language: language ?? 400,
        done: Boolean(done),
      });

    const button = (title) => document.querySelector(`button[title="${title}"]`);
    const until = async (true_, deadline) => {
      const end = performance.now() + deadline;
      while (!true_()) {
        if (performance.now() > end) return false;
        await new Promise((done) => setTimeout(done, 100));
      }
      return true;
    };

    // The SDK has no function to request captions, so its button is clicked.
    const press = async () => {
      const there = () => button('Show Captions') || button('Hide Captions');
      if (!(await until(there, BUTTON_DEADLINE))) return 'not_offered';
      button('Show Captions')?.click();
      return (await until(() => button('Hide Captions'), ANSWER_DEADLINE)) ? 'on' : 'not_allowed';
    };

    const askForCaptions = async () => {
      clearTimeout(asking);
      const state = await gallery(press);
      // The connection was lost or the bot moved in the meantime. The next connection requests captions again.
      if (!told) return;
      if (state !== captions) tell({ what: 'captions', state });
      captions = state;
      if (state !== 'on') asking = setTimeout(() => told && askForCaptions(), ASK_AGAIN);
    };

    // Reports who is there, once for each connection, as soon as the bot is in the meeting.
    const arrived = (me) => {
      if (told || me.isHold) return;
      told = true;
      const list = client.getAttendeeslist().filter((attendee) => attendee.userId !== me.userId).map(person);
      tell({ what: 'present', me: me.userId, room, list });
      flush();
      if (!wantsCaptions) return;
      // The SDK can subscribe only after it has the meeting's options, which it receives with the connection.
      if (!subscribed) client.on('caption-message', heardCaption);
      subscribed = true;
      captions = undefined;
      askForCaptions();
    };

    // Call this when the connection is lost, or the bot is put on hold or moved to another room.
    const away = (change) => {
      const moves = change?.reason === 'join breakout room' || change?.reason === 'back to main session';
      if (moves) room = text(change.roomName) ?? null;
      if (told) tell({ what: 'away', moves });
      told = false;
      clearTimeout(asking);
      flush();
    };

    return {
      listen,
      arrived,
      away,
      flush,
      wantCaptions: () => {
        wantsCaptions = true;
      },
    };
  };
})();
