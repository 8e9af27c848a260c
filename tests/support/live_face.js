// Stands in for a camera: a face, drawn as the page's own quarters light it. Called with what `tests.support.live_face` gives.
(face) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const { width, height } = face, size = width * height;
  const albedo = Float32Array.from(bytes(face.albedo), (v) => linear(v / 255));
  const weights = face.quarters.map((text) => Float32Array.from(bytes(text), (v) => v / 255));
  const encoded = Float32Array.from({ length: 4097 }, (_, i) => 255 * (i < 13 ? (12.92 * i) / 4096 : 1.055 * (i / 4096) ** (1 / 2.4) - 0.055));
  const noise = Float32Array.from({ length: 1 << 17 }, () => {
    const length = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return face.noise * length * Math.cos(2 * Math.PI * Math.random());
  });
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const past = [];

  // The colours that the page shows now, linear, of the top left, top right, bottom left and bottom right quarter.
  function lamp() {
    const shown = document.querySelector(".quarters:not([hidden])");
    const parts = shown ? [...shown.children] : Array(4).fill(document.body);
    return parts.map((part) => getComputedStyle(part).backgroundColor.match(/\d+/g).slice(0, 3).map((v) => linear(v / 255)));
  }

  function draw() {
    const now = performance.now();
    past.push([now, lamp()]);
    while (past.length > 1 && past[1][0] <= now - face.delay) past.shift();
    const light = past[0][1];
    const start = Math.floor(Math.random() * noise.length);
    for (let i = 0, at = start; i < size; i++) {
      const a = weights[0][i], b = weights[1][i], c = weights[2][i], d = weights[3][i];
      for (let k = 0; k < 3; k++, at++) {
        const screen = a * light[0][k] + b * light[1][k] + c * light[2][k] + d * light[3][k];
        const lit = Math.min(1, albedo[3 * i + k] * (face.room + face.screen * screen));
        image.data[4 * i + k] = encoded[Math.round(4096 * lit)] + noise[at & (noise.length - 1)] + 0.5;
      }
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  navigator.mediaDevices.getUserMedia = async () => {
    draw();
    setInterval(draw, 1000 / face.fps);
    return canvas.captureStream();
  };
}
