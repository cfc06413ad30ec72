// Node's socket.io (ws), told over standard input how much to say: "ROOMS EVENTS" a line, as relay_server.py.
const { createServer } = require("http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, { perMessageDeflate: false, httpCompression: false, pingInterval: 10000, pingTimeout: 10000 });
const said = new Map();
const text = "x".repeat(100);

io.on("connection", (socket) => {
  socket.on("subscribe", ({ project_id }, answer) => {
    socket.join(project_id);
    answer({ ok: true });
  });
});

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [rooms, events] = line.split(" ").map(Number);
  for (let room = 0; room < rooms; room++) {
    const name = `p${room}`;
    for (let number = 0; number < events; number++) {
      const seq = (said.get(name) ?? 0) + 1;
      said.set(name, seq);
      io.to(name).emit("agent_iteration", {
        event_id: "00000000-0000-4000-8000-000000000000", project_id: name, session_id: `s${room}`,
        created_at: new Date().toISOString(), seq, attempt: 1, message_id: "message", type: "agent_iteration",
        agent: "vibecoder", iteration: 1, content: text, patch_preview: null, approved: null,
      });
    }
  }
}).on("close", () => process.exit(0));

http.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${http.address().port}`));
