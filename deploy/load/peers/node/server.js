// node server.js ws|socketio|sse PORT: rooms as people write them with these libraries.
"use strict";

const http = require("http");
const { WebSocketServer } = require("ws");
const { Server } = require("socket.io");

const rooms = new Map();

function join(room, member) {
  if (!rooms.has(room)) rooms.set(room, new Set());
  rooms.get(room).add(member);
}

function leave(room, member) {
  rooms.get(room)?.delete(member);
}

function ws(server) {
  new WebSocketServer({ server }).on("connection", (socket) => {
    let room;
    socket.on("error", () => {});
    socket.on("close", () => leave(room, socket));
    socket.on("message", (data, isBinary) => {
      const message = JSON.parse(data);
      if (message.join) {
        join((room = message.join), socket);
        return;
      }
      for (const member of rooms.get(message.room) ?? []) {
        if (member.readyState === 1) member.send(data, { binary: isBinary });
      }
    });
  });
}

function socketio(server) {
  const io = new Server(server, { transports: ["websocket"] });
  io.on("connection", (socket) => {
    socket.on("join", (room) => socket.join(room));
    socket.on("publish", (message) => io.to(message.room).emit("message", message));
  });
}

function sse(server) {
  server.on("request", (request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (request.method === "GET") {
      const room = url.searchParams.get("room");
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
      response.write("data: connected\n\n");
      join(room, response);
      request.on("close", () => leave(room, response));
      return;
    }
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      const event = `event: message\ndata: ${body}\n\n`;
      for (const member of rooms.get(JSON.parse(body).room) ?? []) member.write(event);
      response.writeHead(204).end();
    });
  });
}

const [kind, port] = process.argv.slice(2);
const server = http.createServer();
({ ws, socketio, sse })[kind](server);
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
