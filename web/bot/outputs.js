// The bot's outputs: its picture, which is switched with the SDK's camera button, and chat messages.
//
// The SDK has no function that switches a camera on, so its button is clicked. The button exists in every view, also in the
// minimized one, as soon as the SDK's media code is ready.

'use strict';

const makeOutputs = ({ client, inMeeting, say, scrub }) => {
  // How long the camera may take to switch, in milliseconds. The SDK's media code takes seconds to start on a busy machine.
  const CAMERA_DEADLINE = 30000;
  // Interval between clicks: the button changes its name only after Zoom has responded to a click.
  const PRESS_INTERVAL = 2000;
  const LOOK_INTERVAL = 100;

  const BUTTONS = { true: 'button[title="Start Video"]', false: 'button[title="Stop Video"]' };

  let wanted = false;
  let working = false;

  const pause = (time) => new Promise((done) => setTimeout(done, time));
  const isOn = () => Boolean(client.getCurrentUser()?.bVideoOn);
  // The button has no effect until the SDK has registered a camera at Zoom.
  const isReady = () => Boolean(client.getCurrentUser()?.bVideoConnect);

  // Switches the camera to the wanted state, and reports the result. Runs only once at a time; the wanted state may change
  // while it runs.
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

  // Shows a JPEG in base64, or no picture for null. Resolves when it is drawn, and rejects if it can't be decoded.
  const show = async (picture) => {
    if (picture) await camera.show(picture);
    wanted = Boolean(picture);
    if (!picture) camera.clear();
    settleCamera();
  };

  // Call this when the bot has entered, for the first time or again. After a reconnect the camera must be switched on again.
  const entered = () => {
    if (wanted) settleCamera();
  };

  // The ids of a message's receivers; `undefined` means one public message to all.
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

  // Sends a message and reports the outcome. The caller waits for the outcome before it sends the next message, because the
  // SDK assigns confirmations to messages in the order in which they were sent, whatever Zoom responds.
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
