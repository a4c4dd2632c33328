// A WebSocket that reconnects with growing pauses, and reports when it is up or down.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const GIVE_UP = new Set([1000, 4401, 4404]); // finished, not signed in, not there: asking again changes nothing

/** Keep a socket to `path` open; calls `onMessage(object)` and `onState("open" | "closed" | "over")`. */
export class LiveSocket {
  constructor(path, { onMessage, onState = () => {} }) {
    this.url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.onMessage = onMessage;
    this.onState = onState;
    this.pause = FIRST_PAUSE;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(this.url);
    this.socket.onopen = () => {
      this.pause = FIRST_PAUSE;
      this.onState("open");
    };
    this.socket.onmessage = (event) => this.onMessage(JSON.parse(event.data));
    this.socket.onclose = (event) => this.closed(event.code);
  }

  closed(code) {
    if (this.ended || GIVE_UP.has(code)) {
      this.onState("over");
      return;
    }
    this.onState("closed");
    // With jitter, so that not all clients reconnect to a restarted server at once.
    setTimeout(() => this.connect(), this.pause * (0.7 + Math.random() * 0.6));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  close() {
    this.ended = true;
    this.socket.close();
  }
}
