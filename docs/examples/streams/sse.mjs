// Show facts as they happen, by server-sent events.
//
// Comes back by itself after a cut and first shows what happened meanwhile. Facts go to standard
// output, one JSON object a line; remarks go to standard error. Ctrl-C ends it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EventSourceParserStream } from 'eventsource-parser/stream';

const HELP = `usage: node sse.mjs [--url URL] [--rooms a,b] [--token TOKEN] [--state FILE]

Show facts as they happen, by server-sent events.

  --url URL      the server (http://127.0.0.1:8000)
  --rooms a,b    which rooms (public,metrics)
  --token TOKEN  an access token, for rooms that want one
  --state FILE   a file that keeps the place between two runs
`;
const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    rooms: { type: 'string', default: 'public,metrics' },
    token: { type: 'string', default: '' },
    state: { type: 'string', default: '' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const remark = (text) => console.error(`-- ${text}`);
let lastId = options.state && existsSync(options.state) ? readFileSync(options.state, 'utf8').trim() : '';
let backAt = 0;
let missed = 0;

for (let failures = 0; ; failures += 1) {
  try {
    for await (const event of listen()) {
      failures = 0;
      take(event);
    }
    remark('cut off: the stream has ended');
  } catch (fault) {
    remark(`cut off: ${fault.cause?.code ?? fault.message}`);
  }
  await sleep(Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
}

/** The events of one connection; throws when it is cut. */
async function* listen() {
  const headers = {
    ...(lastId && { 'Last-Event-ID': lastId }),
    ...(options.token && { Authorization: `Bearer ${options.token}` }),
  };
  const query = new URLSearchParams({ rooms: options.rooms, envelope: '1' });
  const answer = await fetch(`${options.url}/api/v1/events/watch?${query}`, { headers });
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
    console.error(`${answer.status}: ${(await answer.json()).detail}`);
    process.exit(1);
  }
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  yield* answer.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
}

/** Show one event of the stream. */
function take({ id, event, data }) {
  if (!event && data === 'connected') {
    remark(`connected, going on after ${lastId || 'now'}`);
    backAt = Date.now();
    missed = 0;
  } else if (event === 'reset') {
    remark(`what was missed is lost (${data}); read the present state over REST`);
  } else if (event) {
    console.log(data);
    if (id && Date.parse(JSON.parse(data).time) < backAt) {
      missed += 1;
      remark(`missed while away: ${missed}`);
    }
  }
  if (id) {
    lastId = id;
    if (options.state) writeFileSync(options.state, lastId);
  }
}
