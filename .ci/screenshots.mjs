// Serves a recording with Rerun's web viewer and photographs its four tabs in headless Chromium.
// Called by .ci/screenshots, which explains and checks the arguments.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { chromium } = createRequire(join(process.cwd(), '.local/node/'))('playwright-core');

const [recording, folder, at, viewer, browser] = process.argv.slice(2);
const share = Number(at);
if (!(share >= 0 && share <= 1)) throw new Error(`AT is ${at}; must be from 0 to 1`);

// The viewer draws on one canvas: nothing in it can be asked for by name. These places are those of
// rerun 0.36.3 with the layout of src/show/layout.rs in a window of this size, pixels.
const WINDOW = { width: 1600, height: 1000 };
const TABS = [['cell', 34], ['masks', 126], ['grasps', 222], ['curves', 296]];
const TAB_Y = 40;
const TIME = { from: 224, to: 1391, y: 986 };

// Software rendering on two cores that may be busy with a build.
const LONGEST_MS = 180_000;

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject);
  server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

/** Takes pictures until two in a row are the same and something is drawn; the last one if that never comes. */
async function settled(page, least = 100_000) {
  const end = Date.now() + LONGEST_MS;
  let last = Buffer.alloc(0);
  while (Date.now() < end) {
    await sleep(1500);
    const picture = await page.screenshot({ timeout: LONGEST_MS });
    if (picture.length > least && picture.equals(last)) return picture;
    last = picture;
  }
  throw new Error(`the picture has not settled within ${LONGEST_MS / 1000} s`);
}

/** Waits until something as rich as a view is on the screen, moving or not. */
async function drawn(page) {
  const end = Date.now() + LONGEST_MS;
  while (Date.now() < end) {
    await sleep(2000);
    if ((await page.screenshot({ timeout: LONGEST_MS })).length > 150_000) return;
  }
  throw new Error(`the viewer has drawn nothing within ${LONGEST_MS / 1000} s`);
}

const grpc = await freePort();
const web = await freePort();
const server = spawn(viewer, [recording, '--serve-web', '--bind', '127.0.0.1', '--port', `${grpc}`, '--web-viewer-port', `${web}`],
  { stdio: ['ignore', 'ignore', 'ignore'] });
const profile = await mkdtemp(join(tmpdir(), 'nuthatch-screenshots-'));
let context;
try {
  const page_url = `http://127.0.0.1:${web}/`;
  for (let tries = 0; !(await fetch(page_url).then(r => r.ok, () => false)); tries += 1) {
    if (server.exitCode !== null) throw new Error(`${viewer} ended with code ${server.exitCode}`);
    if (tries > 60) throw new Error(`${viewer} does not answer at ${page_url}`);
    await sleep(500);
  }
  context = await chromium.launchPersistentContext(profile, {
    executablePath: browser,
    headless: true,
    viewport: WINDOW,
    colorScheme: 'dark',
    timeout: LONGEST_MS,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  });
  const page = context.pages()[0] ?? await context.newPage();
  page.setDefaultTimeout(LONGEST_MS);
  // What the viewer would fetch from elsewhere (news, examples) is not needed.
  await page.route(url => url.hostname !== '127.0.0.1', route => route.abort());
  const source = encodeURIComponent(`rerun+http://127.0.0.1:${grpc}/proxy`);
  await page.goto(`${page_url}?url=${source}&renderer=webgl&hide_welcome_screen=1&persist=0`);
  await drawn(page);

  // One step back stops the playback; then the cursor goes where it is clicked. A frame takes long enough
  // here that a press may be over before it is seen: look whether it was.
  const away = () => page.mouse.move(WINDOW.width / 2, 12);
  for (let tries = 0; ; tries += 1) {
    if (tries === 5) throw new Error(`the cursor does not go to ${share}: is it where it is clicked?`);
    await page.keyboard.press('Control+ArrowLeft');
    const before = await settled(page);
    await page.mouse.move(TIME.from + (TIME.to - TIME.from) * share, TIME.y);
    await sleep(1500);
    await page.mouse.down();
    await sleep(1500);
    await page.mouse.up();
    await sleep(1500);
    await away();
    if (!(await settled(page)).equals(before)) break;
  }

  const pictures = [];
  for (const [name, tab] of TABS) {
    let picture;
    await page.mouse.move(tab, TAB_Y);
    await sleep(3000);
    // At once: what is held down over two slow frames is no click to the viewer.
    await page.mouse.click(tab, TAB_Y);
    await sleep(3000);
    // The click has also selected the tab: that would draw a frame around it.
    await page.keyboard.press('Escape');
    await away();
    // On a busy machine seconds pass before the next frame.
    const end = Date.now() + LONGEST_MS;
    do {
      if (Date.now() > end) throw new Error(`tab ${name} looks like the one before: is it where it is clicked?`);
      picture = await settled(page);
    } while (pictures.some(other => other.equals(picture)));
    pictures.push(picture);
    const file = join(folder, `${name}.png`);
    await writeFile(file, picture);
    console.log(file);
  }
} finally {
  await context?.close().catch(() => {});
  server.kill('SIGKILL');
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
