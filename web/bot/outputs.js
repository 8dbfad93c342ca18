// What a bot shows and says: its picture, by the SDK's camera button, and chat messages.
//
// The SDK has no call that switches a camera on. Its button is pressed instead: it is there in every view, the minimized one
// too, as soon as the SDK's media half is ready.

'use strict';

const makeOutputs = ({ client, inMeeting, say, scrub }) => {
  // From the entry until the camera must be on. The SDK's media half takes seconds on a busy machine.
  const CAMERA_DEADLINE = 30000;
  // A press is answered by Zoom; only then the button changes its name.
  const PRESS_INTERVAL = 2000;
  const LOOK_INTERVAL = 100;

  const BUTTONS = { true: 'button[title="Start Video"]', false: 'button[title="Stop Video"]' };

  let wanted = false;
  let working = false;

  const pause = (time) => new Promise((done) => setTimeout(done, time));
  const isOn = () => Boolean(client.getCurrentUser()?.bVideoOn);
  // Before the SDK has told Zoom of a camera, the button does nothing.
  const isReady = () => Boolean(client.getCurrentUser()?.bVideoConnect);

  // Brings the camera to what is wanted, or says that it could not. One at a time: what is wanted may change meanwhile.
  const settleCamera = async () => {
    if (working) return;
    working = true;
    const deadline = performance.now() + CAMERA_DEADLINE;
    let pressed = -PRESS_INTERVAL;
    while (inMeeting() && isOn() !== wanted && performance.now() < deadline) {
      if (isReady() && performance.now() - pressed >= PRESS_INTERVAL) {
        const button = document.querySelector(BUTTONS[wanted]);
        button?.click();
        if (button) pressed = performance.now();
      }
      await pause(LOOK_INTERVAL);
    }
    working = false;
    if (inMeeting()) say({ type: 'camera', on: isOn(), wanted });
  };

  // A JPEG in base64, or null for none. Resolves when it is drawn; rejects if it is no picture.
  const show = async (picture) => {
    if (picture) await camera.show(picture);
    wanted = Boolean(picture);
    if (!picture) camera.clear();
    settleCamera();
  };

  // The bot is in, for the first time or again. After a reconnection the SDK has forgotten the camera.
  const entered = () => {
    if (wanted) settleCamera();
  };

  // The ids of those a message goes to; `undefined` is everybody at once.
  const receivers = (to) => {
    if (to === 'everyone') return [undefined];
    const me = client.getCurrentUser()?.userId;
    const others = client.getAttendeeslist().filter((attendee) => attendee.userId !== me);
    const chosen = others.filter(({ userId, isHost }) => {
      if (to === 'host') return isHost;
      return to === 'everyone_except_host' ? !isHost : userId === to;
    });
    return chosen.map((attendee) => attendee.userId);
  };

  const OUTCOMES = {
    INSUFFICIENT_PRIVILEGES: 'forbidden',
    OPERATION_TIMEOUT: 'unconfirmed',
  };

  // Sends a message and says what came of it. The caller waits for that before the next one: the SDK confirms messages in
  // the order in which they were sent, whatever Zoom answers.
  const chat = async (id, text, to) => {
    const chosen = inMeeting() ? receivers(to) : [];
    let outcome = chosen.length > 0 ? 'sent' : 'nobody';
    for (const receiver of chosen) {
      try {
        await client.sendChat(text, receiver);
      } catch (error) {
        outcome = OUTCOMES[error?.type] ?? 'failed';
        const reason = scrub(String(error?.reason || error?.type || error)).slice(0, 200);
        say({ type: 'chatted', id, outcome, reason });
        return;
      }
    }
    say({ type: 'chatted', id, outcome, reason: null });
  };

  return { show, chat, entered };
};
