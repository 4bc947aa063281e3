// Put into every page before its own scripts: notes when slices are new and when they are really on the screen.
(() => {
  const bench = { newImage: null, painted: null, seen: {}, drawn: 0, failures: [] };
  window.__bench = bench;
  // Ours draws by itself and has events of its own for the same two moments as Cornerstone.
  const listen = (names, then) => {
    for (const name of names) document.addEventListener(name, then, true);
  };
  let last = null;

  // Grey values differ in the middle of the canvas: an image, not a ground.
  const hasPicture = (element) => {
    const canvas = [...element.querySelectorAll("canvas")].find((one) => one.getContext("2d"));
    if (!canvas?.width || !canvas.height) return false;
    const context = canvas.getContext("2d");
    const [x, y] = [canvas.width / 4, canvas.height / 4].map(Math.floor);
    const { data } = context.getImageData(x, y, Math.floor(canvas.width / 2), Math.floor(canvas.height / 2));
    let [low, high] = [255, 0];
    for (let i = 0; i < data.length; i += 4 * 97) {
      low = Math.min(low, data[i]);
      high = Math.max(high, data[i]);
    }
    return high - low > 40;
  };

  // Thumbnails are drawn by viewports, too, outside the page.
  const isShown = ({ target }) => {
    const box = target.getBoundingClientRect();
    return box.width > 300 && box.right > 300 && box.bottom > 300 && box.left < innerWidth - 300;
  };

  listen(["CORNERSTONE_STACK_NEW_IMAGE", "overread-new-image"], (event) => {
    if (!isShown(event)) return;
    last = event.detail.image?.imageId ?? event.detail.imageId;
    bench.newImage ??= performance.now();
    bench.element ??= event.target;
  });
  listen(["CORNERSTONE_IMAGE_RENDERED", "overread-image-drawn"], (event) => {
    if (!last || !isShown(event)) return;
    if (bench.painted === null && hasPicture(event.target)) bench.painted = performance.now();
    bench.seen[last] = true;
    bench.drawn += 1;
    bench.onDrawn?.(last);
  });
  window.addEventListener("error", (event) => bench.failures.push(String(event.message)));

  // Forget what was seen; the next image is a first one again.
  bench.again = () => Object.assign(bench, { newImage: null, painted: null, seen: {}, drawn: 0, element: undefined });

  const target = () =>
    document.querySelector(".rr-pointer") ??
    bench.element.querySelector(".cornerstone-canvas, canvas") ??
    bench.element;
  const turn = (by) =>
    target().dispatchEvent(
      new WheelEvent("wheel", { deltaY: by * 100, wheelDeltaY: by * -120, deltaMode: 0, bubbles: true, cancelable: true, clientX: 700, clientY: 450 }),
    );
  const drawnAfter = (act, patience) =>
    new Promise((done) => {
      const before = last;
      const timer = setTimeout(() => finish(false), patience);
      const finish = (came) => {
        clearTimeout(timer);
        bench.onDrawn = undefined;
        done(came);
      };
      bench.onDrawn = (imageId) => imageId !== before && finish(true);
      act();
    });

  // One turn of the wheel a slice, the next one when the last is drawn, until the end; the slices drawn and the ms.
  bench.scroll = async (by, count) => {
    const begin = performance.now();
    const before = bench.drawn;
    let [moved, misses] = [0, 0];
    while (moved < count && misses < 3) {
      if (await drawnAfter(() => turn(by), 10_000)) moved += 1;
      else misses += 1;
    }
    return { moved, ms: performance.now() - begin, drawn: bench.drawn - before };
  };
  bench.key = async (key, code) => {
    await drawnAfter(() => {
      for (const type of ["keydown", "keyup"])
        (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent(type, { key, code, bubbles: true }));
    }, 3000);
  };
})();
