// Node's socket.io. Each line of standard input publishes events, as in relay_server.py: "FIRST ROOMS EVENTS LENGTH".
// With --uws it runs on uWebSockets.js instead of ws.
const { createServer } = require("http");
const { createInterface } = require("readline");
const { Server } = require("socket.io");

const options = { perMessageDeflate: false, httpCompression: false, pingInterval: 10000, pingTimeout: 10000 };
const io = new Server(options);
const published = new Map();
let total = 0;

io.on("connection", (socket) => {
  socket.on("subscribe", ({ project_id }, answer) => {
    socket.join(project_id);
    answer({ ok: true });
  });
});

// The event comes as text, as over a bus, and is parsed.
function next(project, session, text) {
  const seq = (published.get(project) ?? 0) + 1;
  published.set(project, seq);
  total += 1;
  return JSON.parse(
    `{"event_id":"${total.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000","project_id":"${project}",` +
      `"session_id":"${session}","created_at":"2026-11-23T12:00:00.000000Z","seq":${seq},"attempt":1,"href":null,` +
      `"message_id":"message","type":"agent_iteration","agent":"vibecoder","iteration":1,"content":"${text}",` +
      `"patch_preview":null,"approved":null}`,
  );
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [first, rooms, events, length] = line.split(" ").map(Number);
    const text = "x".repeat(length);
    for (let room = first; room < first + rooms; room++) {
      for (let number = 0; number < events; number++) {
        const event = next(`p${room}`, `s${room}`, text);
        io.to(event.project_id).emit(event.type, event);
      }
    }
  })
  .on("close", () => process.exit(0));

if (process.argv.includes("--uws")) {
  const uws = require("@trufflesuite/uws-js-unofficial");
  const app = uws.App();
  io.attachApp(app);
  app.listen("127.0.0.1", 0, (token) => console.log(uws.us_socket_local_port(token)));
} else {
  const http = createServer();
  io.attach(http);
  http.listen(0, "127.0.0.1", 4096, () => console.log(http.address().port));
}
