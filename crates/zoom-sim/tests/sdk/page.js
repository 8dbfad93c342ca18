// Does what a test says, and tells it everything that the SDK says. Both go through one WebSocket to the test.

(() => {
  'use strict';

  const EVENTS = [
    'active-speaker', 'broadcast-message', 'chat-on-message', 'connection-change', 'local-recording-change',
    'main-session-user-updated', 'peer-share-state-change', 'recording-change', 'room-state-change', 'user-added',
    'user-removed', 'user-updated',
  ];

  const line = new WebSocket(`ws://${location.host}/line`);
  const tell = (message) => line.send(JSON.stringify(message));
  const facts = (error) => ({
    type: error?.type, reason: error?.reason ?? String(error), errorCode: error?.errorCode, url: error?.url,
  });

  // A camera that shows one colour, for tests that switch it on.
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 640, height: 360 });
  canvas.getContext('2d').fillRect(0, 0, 640, 360);
  navigator.mediaDevices.enumerateDevices = async () => [
    { kind: 'videoinput', deviceId: 'canvas', groupId: 'canvas', label: 'canvas', toJSON() { return this; } },
  ];
  navigator.mediaDevices.getUserMedia = async ({ video }) => {
    if (!video) throw new DOMException('no microphone', 'NotFoundError');
    const stream = canvas.captureStream(1);
    // The SDK asks a track for what a canvas does not tell.
    const [track] = stream.getVideoTracks();
    track.getSettings = () => ({ deviceId: 'canvas', width: 640, height: 360, frameRate: 1 });
    track.getCapabilities = () => ({ deviceId: 'canvas', width: { min: 1, max: 640 }, height: { min: 1, max: 360 } });
    return stream;
  };

  window.listen = (event) => client.on(event, (value) => tell({ event, value }));
  window.press = (title) => {
    const button = document.querySelector(`button[title="${title}"]`);
    button?.click();
    return Boolean(button);
  };

  line.onmessage = async ({ data }) => {
    const { call, source } = JSON.parse(data);
    try {
      tell({ call, result: (await (0, eval)(source)) ?? null });
    } catch (error) {
      tell({ call, error: facts(error) });
    }
  };

  window.addEventListener('DOMContentLoaded', async () => {
    window.client = ZoomMtgEmbedded.createClient();
    await client.init({
      zoomAppRoot: document.getElementById('meeting'),
      language: 'en-US',
      assetPath: `${location.origin}/sdk/lib/av`,
      patchJsMedia: false,
      leaveOnPageUnload: true,
      customize: { video: { defaultViewType: new URLSearchParams(location.search).get('view') ?? 'minimized' } },
    });
    EVENTS.forEach(listen);
    tell({ event: 'ready' });
  });
})();
