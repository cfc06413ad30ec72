// Many clients of the official socket.io-client in one process, controlled over standard input: one JSON object a line,
// answered by one. Each client checks by itself that it receives every event once and in order, so that not every
// delivery has to cross a pipe; `report` returns the mistakes. Like tests/relay_stress/python_crowd.py.
const http = require("http");
const path = require("path");
const { createRequire } = require("module");

const { io } = createRequire(path.join(__dirname, "..", "node", "package.json"))("socket.io-client");

const PROGRESS_MS = 10;
const LINGER_MS = 1000;
const MOST_MISTAKES = 5;

const clients = new Map();
const send = (message) => process.stdout.write(JSON.stringify(message) + "\n");

class Client {
  constructor({ id, url, project, after, transports, keep, options }) {
    Object.assign(this, { id, project, keep, last: after ?? {}, first: {}, offset: null, kept: [], mistakes: [] });
    Object.assign(this, { events: 0, pings: 0, joins: 0, began: [], ends: [], truncated: [], isSubscribed: false });
    // Its own connections, which can be destroyed without affecting other clients.
    this.agent = new http.Agent({ keepAlive: true });
    this.socket = io(url, {
      forceNew: true, agent: this.agent, transports, reconnectionDelay: 10, reconnectionDelayMax: 100, ...options,
    });
    this.socket.io.on("open", () => this.began.push(this.socket.io.engine.transport.name));
    this.socket.on("connect", () => this.connected());
    this.socket.on("disconnect", (reason) => this.disconnected(reason));
    this.socket.io.on("ping", () => this.pings++);
    this.socket.onAny((name, event) => this.onEvent(name, event));
  }

  connected() {
    this.offset = null;
    if (this.project !== null) this.subscribe();
  }

  disconnected(reason) {
    this.isSubscribed = false;
    this.ends.push(reason);
    send({ id: this.id, ended: reason });
  }

  // With its last numbers, each time it connects: what was sent over a broken connection may be missing.
  subscribe() {
    const asked = { ...this.last };
    this.first = {};
    const payload = { project_id: this.project };
    this.socket.emit("subscribe", Object.keys(asked).length ? { ...payload, after: asked } : payload, (answer) => {
      if (answer.ok) this.joined(asked, answer);
      send({ id: this.id, joined: answer });
    });
  }

  // The acknowledgement follows the replay: its numbers must have been sent. The room may be ahead of it.
  joined(asked, { last_seq, truncated }) {
    for (const [session, seq] of Object.entries(last_seq)) {
      if (session in asked) {
        if (this.last[session] < seq) this.mistake(`${session} was acknowledged at ${seq}, sent to ${this.last[session]}`);
      } else if (!(session in this.first)) {
        this.last[session] = seq;
      } else if (this.first[session] !== seq + 1) {
        this.mistake(`${session} was acknowledged at ${seq}, but began with ${this.first[session]}`);
      }
    }
    this.joins++;
    this.isSubscribed = true;
    this.truncated.push(...truncated);
  }

  onEvent(name, event) {
    if (this.keep) this.kept.push([name, event.seq ?? event.offset ?? event.number ?? null]);
    if (typeof event.seq === "number") this.checkLogged(event);
    else if (name === "text_delta") this.checkLive(event);
    else if (event.data !== undefined) this.checkBytes(event);
  }

  checkLogged({ session_id, seq, content }) {
    const last = this.last[session_id];
    if (last === undefined) this.first[session_id] = seq;
    else if (seq !== last + 1) this.mistake(`${session_id}: ${seq} after ${last}`);
    if (content !== undefined && !content.startsWith(`${seq} `)) this.mistake(`${seq} says ${content.slice(0, 20)}`);
    this.last[session_id] = seq;
    this.events++;
  }

  // Live text has its own numbers, and names the event that was logged before it.
  checkLive({ session_id, offset, text }) {
    if (this.offset !== null && offset !== this.offset + 1) this.mistake(`text ${offset} after ${this.offset}`);
    if (Number(text) > this.last[session_id]) this.mistake(`text ${offset} came before event ${text}`);
    this.offset = offset;
  }

  checkBytes({ number, data }) {
    if (!Buffer.isBuffer(data) || !data.every((byte) => byte === number % 256)) this.mistake(`bytes of ${number}`);
  }

  mistake(what) {
    if (this.mistakes.length < MOST_MISTAKES) this.mistakes.push(what);
  }

  // Abort the connection.
  cut() {
    const { transport } = this.socket.io.engine;
    this.agent.destroy();
    if (transport.ws) transport.ws.terminate();
    else transport.onClose();
  }

  close() {
    this.socket.disconnect();
  }

  report() {
    const { events, last, pings, joins, began, ends, kept, mistakes, truncated } = this;
    const { transport } = this.socket.io.engine;
    const extensions = transport.ws?.extensions ?? null;
    return { events, last, pings, joins, began, ends, kept, mistakes, truncated, transport: transport.name, extensions };
  }
}

// Bytes cannot be written in JSON: {"bytes": 3} stands for three of them.
const revive = (_key, value) => (value && typeof value.bytes === "number" ? Buffer.alloc(value.bytes, 1) : value);

const orders = {
  open: (order) => clients.set(order.id, new Client(order)),
  cut: ({ id }) => clients.get(id).cut(),
  close: ({ id }) => clients.get(id).close(),
  call: ({ id, name, payload, call }) => clients.get(id).socket.emit(name, payload, (answer) => send({ call, answer })),
  report: ({ call }) => send({ call, answer: Object.fromEntries([...clients].map(([id, one]) => [id, one.report()])) }),
};

let lastProgress = "";
const timer = setInterval(() => {
  const received = Object.fromEntries([...clients].filter(([, one]) => one.isSubscribed).map(([id, one]) => [id, one.last]));
  const progress = JSON.stringify(received);
  if (progress !== lastProgress) send({ received });
  lastProgress = progress;
}, PROGRESS_MS);

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line, revive);
  orders[order.do](order);
}).on("close", () => {
  clearInterval(timer);
  for (const client of clients.values()) client.close(); // the process ends once they have
  setTimeout(() => process.exit(0), LINGER_MS).unref(); // Node's XMLHttpRequest may hang after a connection was cut
});
