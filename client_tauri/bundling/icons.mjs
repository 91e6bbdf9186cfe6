/**
 * Draws the PNGs of the web app out of the one icon there is: `node bundling/icons.mjs`, with a Chromium
 * (ALFAVOICE_CHROMIUM, else Debian's). Run by hand when the icon changes; the PNGs are committed.
 */
import { readFileSync } from 'node:fs';

import { chromium } from 'playwright-core';

const icon = readFileSync(new URL('../src-tauri/icons/icon.svg', import.meta.url), 'utf8');
const browser = await chromium.launch({ executablePath: process.env.ALFAVOICE_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();

/** `inset` 0: as it is; else on a full ground, for launchers that cut their own shape out of it. */
async function draw(name, size, inset) {
  await page.setViewportSize({ width: size, height: size });
  const ground = inset ? 'linear-gradient(135deg, #4f6bff, #1b2a8f)' : 'transparent';
  await page.setContent(`<body style="margin:0;width:${size}px;height:${size}px;background:${ground};display:grid;place-items:center">
    <div style="width:${size - 2 * inset}px;height:${size - 2 * inset}px">${icon}</div></body>`);
  await page.screenshot({ path: new URL(`../public/${name}.png`, import.meta.url).pathname, omitBackground: true });
}

await draw('icon-192', 192, 0);
await draw('icon-512', 512, 0);
await draw('icon-maskable', 512, 48);
await browser.close();
