// The bot's camera: a canvas with the picture that the bot shows. Loaded before Zoom's SDK, which finds no other camera and
// no microphone.
//
// `camera.show(base64)` draws a JPEG, also while the camera is on; `camera.clear()` takes it away.

const camera = (() => {
  'use strict';

  // A still picture needs no more frames; a participant who comes later waits for the next one.
  const FRAME_INTERVAL = 1000;
  // What the SDK gets when it asks for no size, and the most that it gets.
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
    // All of the picture, in the middle.
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
    // Setting a size erases a canvas, and another live track shows it.
    if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
    draw();
    const stream = canvas.captureStream(1000 / FRAME_INTERVAL);
    [track] = stream.getVideoTracks();
    // A canvas does not tell what the SDK asks of a camera.
    track.getSettings = () => ({ deviceId: ID, frameRate: 1000 / FRAME_INTERVAL, ...size });
    track.getCapabilities = () => ({ deviceId: ID, width: { min: 1, max: size.width }, height: { min: 1, max: size.height } });
    timer ||= setInterval(frame, FRAME_INTERVAL);
    return stream;
  };

  return { show, clear };
})();
