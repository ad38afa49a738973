// Show the prices of instruments, the last one of each first, over the event backbone.
//
// Comes back by itself after a cut, joins again, and is told the last price, so that nothing stale
// is shown. Prices go to standard output, one JSON object a line; remarks go to standard error.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';

const HELP = `usage: node backbone.mjs [--url URL] [--rooms a,b] [--token TOKEN]

Show the prices of instruments, the last one of each first, over the event backbone.

  --url URL      the server (http://127.0.0.1:8000)
  --rooms a,b    which instruments (BTC_USDT)
  --token TOKEN  an access token, for rooms that want one
`;
const FOR_GOOD = 3500; // from this close code on it is of no use to come back
const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    rooms: { type: 'string', default: 'BTC_USDT' },
    token: { type: 'string', default: '' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const remark = (text) => console.error(`-- ${text}`);
const last = new Map();

for (let failures = 0; ; failures += 1) {
  const { code, reason, wasOpen } = await listen();
  if (code >= FOR_GOOD) {
    console.error(`${code}: ${reason}`);
    process.exit(1);
  }
  remark(`cut off: ${code}`);
  if (wasOpen) failures = 0;
  await sleep(Math.min(10_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
}

/** One connection; how it ended. */
function listen() {
  const headers = options.token ? { Authorization: `Bearer ${options.token}` } : {};
  const socket = new WebSocket(`${options.url.replace(/^http/, 'ws')}/ws`, { headers });
  let wasOpen = false;
  socket.on('open', () => {
    wasOpen = true;
    remark('connected');
    for (const room of options.rooms.split(',')) socket.send(JSON.stringify({ type: 'join', room }));
  });
  socket.on('message', (text) => take(JSON.parse(text)));
  socket.on('error', () => {}); // `close` follows
  return new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason, wasOpen }));
  });
}

/** Show one frame. */
function take(frame) {
  if (frame.type === 'error') {
    remark(`${frame.code}: ${frame.detail}`);
  } else if (frame.type !== 'ack') {
    const price = JSON.stringify(frame.data);
    if (frame.warm && (last.get(frame.room) ?? price) !== price) remark(`${frame.room} changed while away`);
    last.set(frame.room, price);
    console.log(JSON.stringify(frame));
  }
}
