// A WebSocket that reconnects with growing pauses, notices when nothing comes any more, and reports when it is up or down.
import { readJson, writeJson } from "./json.js";
import { setServerTime } from "./time.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const OPENS_WITHIN = 10_000;
const QUIET = 3000; // without a message for so long, the server is asked whether it is there
const FIRST_PATIENCE = 3000; // for anything to come after that; it doubles, as a slow line may be busy with a long message
const LONGEST_PATIENCE = 30_000;
const GIVE_UP = new Set([1000, 4401, 4404]); // finished, not signed in, not there: asking again changes nothing

/** Keep a socket to `path` open; calls `onMessage(object)` and `onState("open" | "closed" | "over")`. */
export class LiveSocket {
  constructor(path, { onMessage, onState = () => {} }) {
    this.url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.onMessage = onMessage;
    this.onState = onState;
    this.pause = FIRST_PAUSE;
    this.patience = FIRST_PATIENCE;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(this.url);
    this.up = false;
    this.socket.onopen = () => this.ask();
    this.socket.onmessage = (event) => this.heard(readJson(event.data));
    this.socket.onclose = (event) => this.closed(event.code);
    this.after(OPENS_WITHIN, () => this.lost());
  }

  /** Do `work` in `ms`, unless something happens before: there is one timer. */
  after(ms, work) {
    clearTimeout(this.timer);
    this.timer = setTimeout(work, ms);
  }

  heard(message) {
    this.after(QUIET, () => this.ask());
    this.pause = FIRST_PAUSE;
    if (!this.up) this.onState("open"); // not when it opens: a proxy may open it and let nothing through
    this.up = true;
    if (message.type === "pong") {
      setServerTime(message.timestamp);
      return;
    }
    this.patience = FIRST_PATIENCE; // an answer to a ping would not show that long messages come through too
    this.onMessage(message);
  }

  /** Ask whether the server is there. A connection that a proxy forgot stays open here, and nothing comes. */
  ask() {
    this.send({ type: "ping" });
    this.after(this.patience, () => this.lost());
  }

  lost() {
    this.patience = Math.min(this.patience * 2, LONGEST_PATIENCE);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null; // its close may come in minutes
    this.socket.close();
    this.closed();
  }

  closed(code) {
    clearTimeout(this.timer);
    if (this.ended || GIVE_UP.has(code)) {
      this.ended = true;
      this.onState("over");
      return;
    }
    this.onState("closed");
    // With jitter, so that not all clients reconnect to a restarted server at once.
    this.after(this.pause * (0.7 + Math.random() * 0.6), () => this.connect());
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  /** The network is back, or somebody looks at the page again: find out now what would be found out later. */
  hurry() {
    if (this.ended) return;
    if (this.socket.readyState === WebSocket.OPEN) this.ask();
    else if (this.socket.readyState !== WebSocket.CONNECTING) this.after(0, () => this.connect());
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(writeJson(message));
  }
}
