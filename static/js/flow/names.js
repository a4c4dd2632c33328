// The names that `${` can refer to at a place of the text. They are read from the lines above, so invalid text works too.

const FUNCTIONS = ["uuid()", "now()", "timestamp()", "timestampMs()", "randomInt(1,9)", "randomString(8)", "base64(x)", "base64Decode(x)", "urlEncode(x)", "json(x)", "sha256(x)", "hmacSha256(key,x)", "upper(x)", "lower(x)", "length(x)", "add(a,b)"];
const GIVEN = ["execution.id", "execution.startedAt", "flow.name", "flow.version"];
const NAME = /(?:^|[\s{,-])name:\s*["']?([A-Za-z_][\w-]*)/g;

function extractsOf(lines) {
  const found = [];
  lines.forEach((line, at) => {
    const opened = /^(\s*).*\bextract:\s*(.*)$/.exec(line);
    if (!opened) return;
    for (const [, name] of opened[2].matchAll(/(?:^\{|,)\s*([A-Za-z_][\w-]*)\s*:/g)) found.push(name);
    const deeper = /^-/.test(line.trim()) ? opened[1].length + 2 : opened[1].length;
    for (const below of lines.slice(at + 1)) {
      const key = /^(\s*)([A-Za-z_][\w-]*)\s*:/.exec(below);
      if (opened[2] !== "" || !key || key[1].length <= deeper) break;
      found.push(key[2]);
    }
  });
  return found;
}

/** Return `[{text, kind}]` for the place after `text`, which is what stands before the cursor. */
export function namesAbove(text) {
  const above = text.replace(/(^|\s)#.*$/gm, "$1"); // what a comment says is no name
  const steps = above.search(/^steps:/m);
  const head = steps < 0 ? above : above.slice(0, steps);
  const body = steps < 0 ? "" : above.slice(steps);
  const named = (part) => [...part.matchAll(NAME)].map(([, name]) => name);
  const variables = head.search(/^variables:/m) < 0 ? [] : named(head.slice(head.search(/^variables:/m)));
  const own = named(body).slice(0, -1); // the last one is the step that the cursor is in
  return [
    ...extractsOf(body.split("\n")).map((name) => ({ text: name, kind: "extracted" })),
    ...variables.map((name) => ({ text: name, kind: "variable" })),
    ...own.reverse().map((name) => ({ text: name, kind: "step" })),
    ...GIVEN.map((name) => ({ text: name, kind: "given" })),
    ...FUNCTIONS.map((name) => ({ text: name, kind: "function" })),
  ].filter((one, at, all) => all.findIndex((other) => other.text === one.text) === at);
}
