// Show what happens in a room, over a WebSocket with the Centrifugo SDK.
//
// The SDK comes back by itself after a cut and brings what was missed. Messages go to standard
// output, one JSON object a line; remarks go to standard error. Ctrl-C ends it.
import { parseArgs } from 'node:util';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws'; // not needed in browsers, nor from Node 22 on

const HELP = `usage: node realtime.mjs [--url URL] [--room ROOM] [--token TOKEN]

Show what happens in a room, over a WebSocket with the Centrifugo SDK.

  --url URL      the server (http://127.0.0.1:8000)
  --room ROOM    which room (metrics)
  --token TOKEN  an access token, for rooms that want one
`;
const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    room: { type: 'string', default: 'metrics' },
    token: { type: 'string', default: '' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const remark = (text) => console.error(`-- ${text}`);
const stop = ({ code, reason }) => {
  console.error(`${code}: ${reason}`);
  process.exit(1);
};
let backAt = 0;
let missed = 0;

const client = new Centrifuge(`${options.url.replace(/^http/, 'ws')}/connection/websocket`, {
  token: options.token || undefined,
  websocket: WebSocket,
  maxReconnectDelay: 10_000,
});
client.on('connecting', ({ code, reason }) => remark(`connecting (${code}: ${reason})`));
client.on('disconnected', stop); // the server says that it is of no use to come back

const room = client.newSubscription(options.room);
room.on('subscribed', ({ wasRecovering, recovered }) => {
  if (wasRecovering && recovered) {
    backAt = Date.now();
    missed = 0;
  } else {
    remark(wasRecovering ? 'too much was missed; read the present state over REST' : 'subscribed');
  }
});
room.on('publication', ({ data }) => {
  console.log(JSON.stringify(data));
  if (Date.parse(data.time) < backAt) {
    missed += 1;
    remark(`missed while away: ${missed}`);
  }
});
room.on('unsubscribed', stop);
room.subscribe();
client.connect();
