// The bot's camera: a canvas with the bot's picture. It is loaded before Zoom's SDK, so that the SDK finds no other camera
// and no microphone.
//
// `camera.show(base64)` draws a JPEG, also while the camera is on. `camera.clear()` removes the picture.

const camera = (() => {
  'use strict';

  // Milliseconds between frames. A still picture needs no more; a participant who joins later waits for the next frame.
  const FRAME_INTERVAL = 1000;
  // The size of the video if the SDK requests none, and the largest size.
  const USUAL = { width: 640, height: 360 };
  const LARGEST = { width: 1280, height: 720 };
  const ID = 'picture';

  const canvas = document.createElement('canvas');
  const paper = canvas.getContext('2d');
  let picture = null;
  let track = null;
  let timer = 0;

  const draw = () => {
    const { width, height } = canvas;
    paper.fillStyle = '#000';
    paper.fillRect(0, 0, width, height);
    if (!picture) return;
    // Draws the whole picture, centred.
    const scale = Math.min(width / picture.naturalWidth, height / picture.naturalHeight);
    const [wide, high] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
    paper.drawImage(picture, (width - wide) / 2, (height - high) / 2, wide, high);
  };

  const frame = () => {
    if (track?.readyState === 'live') return draw();
    clearInterval(timer);
    timer = 0;
  };

  const show = async (base64) => {
    const image = new Image();
    image.src = `data:image/jpeg;base64,${base64}`;
    await image.decode();
    picture = image;
    draw();
  };

  const clear = () => {
    picture = null;
    draw();
  };

  const asked = (size, side) => {
    const wish = typeof size === 'number' ? size : (size?.exact ?? size?.ideal ?? size?.max);
    return Math.min(wish ?? USUAL[side], LARGEST[side]);
  };

  navigator.mediaDevices.enumerateDevices = async () => [
    { kind: 'videoinput', deviceId: ID, groupId: ID, label: 'Picture', toJSON() { return this; } },
  ];

  navigator.mediaDevices.getUserMedia = async ({ video }) => {
    if (!video) throw new DOMException('There is no microphone.', 'NotFoundError');
    const size = { width: asked(video.width, 'width'), height: asked(video.height, 'height') };
    // Setting the size erases the canvas, which another live track may show. So it is set only when it changes.
    if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
    draw();
    const stream = canvas.captureStream(1000 / FRAME_INTERVAL);
    [track] = stream.getVideoTracks();
    // A canvas track does not have the settings and capabilities that the SDK expects from a camera.
    track.getSettings = () => ({ deviceId: ID, frameRate: 1000 / FRAME_INTERVAL, ...size });
    track.getCapabilities = () => ({ deviceId: ID, width: { min: 1, max: size.width }, height: { min: 1, max: size.height } });
    timer ||= setInterval(frame, FRAME_INTERVAL);
    return stream;
  };

  return { show, clear };
})();
