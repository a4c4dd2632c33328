// JSON as it was written: every digit of a number, and keys in their order. JSON.parse rounds 9007199254740993, makes 10
// of 10.00, and moves keys that look like integers to the front. The server's reader is steprunners/values/json_text.py.

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:u([\da-fA-F]{4})|(["\\/bfnrt])|)/g;
const ESCAPED = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WORDS = [["true", true], ["false", false], ["null", null]];
const INDEX = /^(?:0|[1-9]\d*)$/; // keys that JavaScript sorts
const DEEPEST = 500; // levels; the server stores 200

/** A number that JavaScript would write in another way: `10.00`, `1e5`, or with more digits than a double holds. */
export class ExactNumber {
  constructor(text) {
    this.text = text;
  }

  /** Comparisons and sums use the nearest double. */
  valueOf() {
    return Number(this.text);
  }

  toString() {
    return this.text;
  }
}

const orders = new WeakMap(); // object → its keys in the order of the text, where JavaScript has another one

/** Return the keys of an object in the order in which they were written. */
export const keysOf = (object) => orders.get(object) ?? Object.keys(object);

/** Return `[key, value]` of an object in the order in which they were written. */
export const entriesOf = (object) => keysOf(object).map((key) => [key, object[key]]);

/** Return the value of a JSON text; throws SyntaxError. Numbers that a double would change are ExactNumbers. */
export function readJson(text) {
  return new Reader(text).document();
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.depth = 0;
  }

  document() {
    const value = this.value();
    if (this.at < this.text.length) this.refuse();
    return value;
  }

  refuse() {
    const found = this.at < this.text.length ? `character ${JSON.stringify(this.text[this.at])}` : "end";
    throw new SyntaxError(`This is not JSON: unexpected ${found} at ${this.at}.`);
  }

  /** Return what the pattern matches here, and step over it; undefined where it does not. */
  match(pattern) {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return undefined;
    const from = this.at;
    this.at = pattern.lastIndex;
    return this.text.slice(from, this.at);
  }

  /** Step over spaces, and return the character that follows. */
  next() {
    const code = this.text.charCodeAt(this.at);
    if (code <= 0x20) this.match(SPACE);
    return this.text[this.at];
  }

  /** Step over this character where it follows; return whether it did. */
  take(character) {
    if (this.next() !== character) return false;
    this.at += 1;
    return true;
  }

  value() {
    const first = this.next();
    const value = first === '"' ? this.string() : first === "{" ? this.nested(() => this.object()) : first === "[" ? this.nested(() => this.list()) : this.scalar();
    this.next();
    return value;
  }

  nested(read) {
    this.depth += 1;
    if (this.depth > DEEPEST) throw new SyntaxError(`This JSON is nested more than ${DEEPEST} levels deep.`);
    this.at += 1;
    const value = read();
    this.depth -= 1;
    return value;
  }

  string() {
    const inner = this.text.slice(this.at + 1, this.closingQuote());
    if (hasControl(inner)) this.refuse();
    const value = inner.includes("\\") ? inner.replace(ESCAPE, (_, code, letter) => this.unescaped(code, letter)) : inner;
    this.at += inner.length + 2;
    return value;
  }

  closingQuote() {
    let end = this.at;
    let escapes;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) this.refuse();
      escapes = 0;
      while (this.text[end - 1 - escapes] === "\\") escapes += 1;
    } while (escapes % 2 === 1);
    return end;
  }

  unescaped(code, letter) {
    if (code) return String.fromCharCode(Number.parseInt(code, 16));
    return ESCAPED[letter] ?? letter ?? this.refuse();
  }

  scalar() {
    const digits = this.match(NUMBER);
    if (digits !== undefined) return number(digits);
    const word = WORDS.find(([written]) => this.text.startsWith(written, this.at)) ?? this.refuse();
    this.at += word[0].length;
    return word[1];
  }

  list() {
    const values = [];
    if (this.take("]")) return values;
    do values.push(this.value());
    while (this.take(","));
    if (!this.take("]")) this.refuse();
    return values;
  }

  object() {
    const object = {};
    const keys = [];
    if (this.take("}")) return object;
    do this.member(object, keys);
    while (this.take(","));
    if (!this.take("}")) this.refuse();
    if (keys.some((key) => INDEX.test(key))) orders.set(object, [...new Set(keys)]);
    return object;
  }

  member(object, keys) {
    if (this.next() !== '"') this.refuse();
    const key = this.string();
    if (!this.take(":")) this.refuse();
    const value = this.value();
    keys.push(key);
    // Assigning to __proto__ would give the object another prototype.
    if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
    else object[key] = value;
  }
}

function hasControl(text) {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) < 0x20) return true;
  return false;
}

function number(text) {
  const value = Number(text);
  return String(value) === text ? value : new ExactNumber(text);
}

/** Return the value as JSON text, as JSON.stringify does; `indent` is the number of spaces a level. */
export function writeJson(value, indent = 0) {
  return written(value, indent ? "\n" : "", " ".repeat(indent), indent ? ": " : ":");
}

function written(value, line, step, colon) {
  if (value instanceof ExactNumber) return value.text;
  if (value === undefined || value === null) return "null";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = line + step;
  const members = Array.isArray(value)
    ? value.map((each) => written(each, inner, step, colon))
    : entriesOf(value).filter(([, each]) => each !== undefined).map(([key, each]) => JSON.stringify(key) + colon + written(each, inner, step, colon));
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return members.length ? `${open}${inner}${members.join(`,${inner}`)}${line}${close}` : open + close;
}
