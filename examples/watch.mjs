// Prints the events of a project as they happen: URL=http://127.0.0.1:8765 node watch.mjs PROJECT [SESSION]
// In an empty folder: npm install socket.io-client
import { io } from "socket.io-client";
const [project, session] = process.argv.slice(2);
const after = session ? { [session]: 0 } : {}; // the newest seq of each session: what came after it is replayed
const socket = io(process.env.URL, { transports: ["websocket"], auth: { token: null } });
socket.on("connect", async () => {
  console.log("subscribed", await socket.emitWithAck("subscribe", { project_id: project, after }));
});
socket.onAny((name, event) => {
  if (event.seq) after[event.session_id] = event.seq;
  console.log(name, event);
});
socket.on("connect_error", (error) => console.error(`No connection to ${process.env.URL}: ${error.message}`));
