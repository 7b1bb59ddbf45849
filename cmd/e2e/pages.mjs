// Pages in headless Chromium, for the test of "gatepass proxy". It is run with addresses
// of pages, opens one after the other, waits until each has put its results into the
// element #results (JSON), and writes all of them to E2E_SEEN, by address. A page that
// has no such element within a moment gives its text. With E2E_NAMES, "evil.test
// other.test", the browser finds those names on this machine, as if their owner had
// pointed them here.
import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const names = (process.env.E2E_NAMES ?? '').split(' ').filter(Boolean).map((n) => `MAP ${n} 127.0.0.1`).join(',');
const seen = {};
const browser = await chromium.launch({
  executablePath: process.env.E2E_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', `--host-resolver-rules=${names}`],
});
try {
  for (const url of process.argv.slice(2)) {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    const answer = await page.goto(url);
    const results = page.locator('#results[data-done]');
    if ((await page.locator('#results').count()) === 0) {
      seen[url] = { status: answer.status(), text: await page.locator('body').innerText() };
    } else {
      await results.waitFor();
      seen[url] = { status: answer.status(), results: JSON.parse(await results.textContent()) };
    }
    await page.close();
  }
} finally {
  await browser.close();
  writeFileSync(process.env.E2E_SEEN, JSON.stringify(seen));
}
