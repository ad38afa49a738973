// The published JavaScript SDK, led by lines of JSON on stdin; what happens comes out on stdout.
//
//   {"id": 1, "do": "subscribe", "channel": "public", "options": {"recoverable": true}}
//   -> {"id": 1, "result": {}}           or {"id": 1, "error": {"code": 103, "message": "..."}}
//   -> {"event": "publication", "channel": "public", "offset": 5, "data": {...}}
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

const [url, encoding] = process.argv.slice(2);
const { Centrifuge } = await import(
  encoding === 'protobuf' ? 'centrifuge/build/protobuf' : 'centrifuge'
);
const write = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const decoded = (data) => (data instanceof Uint8Array ? JSON.parse(decoder.decode(data)) : data);
const encoded = (data) => (encoding === 'protobuf' ? encoder.encode(JSON.stringify(data)) : data);
const publication = (ctx) => ({ data: decoded(ctx.data), offset: ctx.offset ?? 0 });
const person = (info) => ({
  client: info.client,
  user: info.user,
  info: info.connInfo === undefined ? null : decoded(info.connInfo),
});

const PATIENCE_MS = 120_000; // as tests/patience.py
let client;
const subscriptions = {};

function connect({ token, tokens = [] }) {
  const options = {
    websocket: WebSocket, timeout: PATIENCE_MS, minReconnectDelay: 50, maxReconnectDelay: 400,
  };
  if (token !== undefined) {
    options.token = token;
    options.getToken = async () => {
      write({ event: 'get_token' });
      return tokens.shift() ?? token;
    };
  }
  client = new Centrifuge(url, options);
  client.on('connected', (ctx) => write({ event: 'connected', client: ctx.client }));
  client.on('connecting', (ctx) => write({ event: 'connecting', code: ctx.code }));
  client.on('disconnected', (ctx) =>
    write({ event: 'disconnected', code: ctx.code, reason: ctx.reason }));
  client.on('error', (ctx) => write({ event: 'error', code: ctx.error.code }));
  client.connect();
  return {};
}

function subscribe({ channel, options = {} }) {
  const tell = (event, details) => write({ event, channel, ...details });
  const subscription = client.newSubscription(channel, {
    minResubscribeDelay: 50,
    maxResubscribeDelay: 400,
    ...(options.join_leave ? { joinLeave: true } : {}),
    ...(options.since ? { since: options.since } : {}),
  });
  subscriptions[channel] = subscription;
  subscription.on('subscribed', (ctx) =>
    tell('subscribed', {
      recoverable: ctx.recoverable,
      positioned: ctx.positioned,
      was_recovering: ctx.wasRecovering,
      recovered: ctx.recovered,
      offset: ctx.streamPosition?.offset ?? 0,
      epoch: ctx.streamPosition?.epoch ?? '',
    }));
  subscription.on('subscribing', (ctx) => tell('subscribing', { code: ctx.code }));
  subscription.on('unsubscribed', (ctx) => tell('unsubscribed', { code: ctx.code }));
  subscription.on('error', (ctx) => tell('subscription_error', { code: ctx.error.code }));
  subscription.on('publication', (ctx) => tell('publication', publication(ctx)));
  subscription.on('join', (ctx) => tell('join', person(ctx.info)));
  subscription.on('leave', (ctx) => tell('leave', person(ctx.info)));
  subscription.subscribe();
  return {};
}

async function history({ channel, options }) {
  const result = await client.history(channel, options);
  return {
    publications: result.publications.map(publication),
    offset: result.offset,
    epoch: result.epoch,
  };
}

async function presence({ channel }) {
  const { clients } = await client.presence(channel);
  return Object.fromEntries(Object.entries(clients).map(([key, info]) => [key, person(info)]));
}

async function presenceStats({ channel }) {
  const stats = await client.presenceStats(channel);
  return { clients: stats.numClients, users: stats.numUsers };
}

const actions = {
  connect,
  subscribe,
  history,
  presence,
  presence_stats: presenceStats,
  publish: async ({ channel, data }) => (await client.publish(channel, encoded(data)), {}),
  rpc: async () => (await client.rpc('anything', encoded({})), {}),
  unsubscribe: ({ channel }) => (subscriptions[channel].unsubscribe(), {}),
  resubscribe: ({ channel }) => (subscriptions[channel].subscribe(), {}),
  disconnect: () => (client.disconnect(), {}),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  Promise.resolve()
    .then(() => actions[command.do](command))
    .then((result) => write({ id: command.id, result }))
    .catch(({ code, message }) => write({ id: command.id, error: { code, message } }));
}
process.exit(0);
