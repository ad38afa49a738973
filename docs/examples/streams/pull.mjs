// Fetch facts as a list, again and again, by a cursor.
//
// Nothing is missed and nothing comes twice, however long this program was away. Facts go to
// standard output, one JSON object a line; remarks go to standard error. Ctrl-C ends it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const HELP = `usage: node pull.mjs [--url URL] [--rooms a,b] [--token TOKEN] [--state FILE] [--every S]

Fetch facts as a list, again and again, by a cursor.

  --url URL      the server (http://127.0.0.1:8000)
  --rooms a,b    which rooms (public,metrics)
  --token TOKEN  an access token, for rooms that want one
  --state FILE   a file that keeps the place between two runs
  --every S      seconds between two questions (2)
`;
const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    rooms: { type: 'string', default: 'public,metrics' },
    token: { type: 'string', default: '' },
    state: { type: 'string', default: '' },
    every: { type: 'string', default: '2' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const remark = (text) => console.error(`-- ${text}`);
let cursor = options.state && existsSync(options.state) ? readFileSync(options.state, 'utf8').trim() : '';
let wasAway = Boolean(cursor);

for (;;) {
  const page = await fetchPage();
  if (page) {
    for (const fact of page.results) console.log(JSON.stringify(fact));
    if (wasAway) remark(`missed while away: ${page.results.length}${page.next ? ' and more' : ''}`);
    cursor = page.cursor ?? '';
    if (options.state) writeFileSync(options.state, cursor);
  }
  wasAway = !page;
  if (!page?.next) await sleep(Number(options.every) * 1000);
}

/** The facts after the cursor; null while the server cannot be reached. */
async function fetchPage() {
  const query = new URLSearchParams({ rooms: options.rooms, limit: '100' });
  if (cursor) query.set('after', cursor);
  const headers = options.token ? { Authorization: `Bearer ${options.token}` } : {};
  let answer;
  try {
    answer = await fetch(`${options.url}/api/v1/events?${query}`, { headers });
  } catch (fault) {
    remark(`cut off: ${fault.cause?.code ?? fault.message}`);
    return null;
  }
  if (answer.status === 410) {
    remark(`what was missed is lost (${(await answer.json()).reason}); from the oldest held`);
    cursor = '';
    return fetchPage();
  }
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
    console.error(`${answer.status}: ${(await answer.json()).detail}`);
    process.exit(1);
  }
  if (!answer.ok) {
    remark(`the server answers ${answer.status}`);
    return null;
  }
  return answer.json();
}
