// The browser of the end-to-end test: a person in headless Chromium. It is run
// with the URL that a program wants opened, does what E2E_PERSON says (JSON:
// username, password, do) and writes what the last page says to E2E_SEEN, as
// JSON. With "proceed" they go on past the warning of a certificate. A password of null means that the person picks the user on the stand-in's
// page by a click.
import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const url = process.argv[2];
const person = JSON.parse(process.env.E2E_PERSON);
const seen = { asked: url, problems: [] };

let page;
const browser = await chromium.launch({
  executablePath: process.env.E2E_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  page = await browser.newPage({ javaScriptEnabled: person.javascript ?? true, ignoreHTTPSErrors: person.proceed ?? false });
  page.setDefaultTimeout(30_000);
  // A page that its own policy hinders is a broken page.
  page.on('console', (message) => {
    if (message.type() === 'error' && !/favicon|status of 4\d\d/.test(message.text())) seen.problems.push(message.text());
  });
  await page.goto(url);
  seen.title = await page.title();
  const start = new URL(page.url());
  if (person.do === 'look') {
    seen.text = await page.locator('body').innerText();
  } else {
    if (person.do === 'cancel') {
      await page.getByRole('button', { name: 'Cancel' }).click();
    } else if (person.password === null) {
      await page.locator(`button[name=user][value=${person.username}]`).click();
    } else {
      await page.getByLabel('Username').fill(person.username);
      await page.getByLabel('Password').fill(person.password);
      await page.getByRole('button', { name: 'Log in' }).click();
    }
    await page.waitForURL((u) => u.origin !== start.origin);
    await page.waitForLoadState();
    seen.text = await page.locator('body').innerText();
  }
  seen.url = page.url();
} catch (err) {
  seen.problems.push(String(err));
  seen.url = page?.url();
  seen.text = await page?.locator('body').innerText({ timeout: 1000 }).catch(String);
  process.exitCode = 1;
} finally {
  await browser.close();
  writeFileSync(process.env.E2E_SEEN, JSON.stringify(seen));
}
