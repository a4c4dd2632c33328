// An http step as a command line.

const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

function urlOf({ url, query }) {
  if (!query || !Object.keys(query).length) return url;
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, typeof one === "object" ? JSON.stringify(one) : one]));
  return url + (url.includes("?") ? "&" : "?") + new URLSearchParams(pairs);
}

function bodyOf({ body, form }) {
  if (form) return Object.entries(form).map(([name, value]) => `--data-urlencode ${quoted(`${name}=${value}`)}`);
  if (body === undefined || body === null) return [];
  return [`--data-raw ${quoted(typeof body === "string" ? body : JSON.stringify(body))}`];
}

function authOf({ auth }) {
  if (auth?.type === "basic") return [`-u ${quoted(`${auth.username}:${auth.password}`)}`];
  if (auth?.type === "bearer") return [`-H ${quoted(`Authorization: Bearer ${auth.token}`)}`];
  return [];
}

/** Return the curl command for a step's resolved request; masked secrets stay masked. */
export function curlOf(request) {
  const headers = { ...(request.headers ?? {}) };
  const json = request.body !== null && typeof request.body === "object";
  if (json && !Object.keys(headers).some((name) => name.toLowerCase() === "content-type")) headers["Content-Type"] = "application/json";
  const parts = [
    `curl -X ${request.method ?? "GET"} ${quoted(urlOf(request))}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...authOf(request),
    ...bodyOf(request),
    ...(request.verifyTls === false ? ["--insecure"] : []),
    ...(request.followRedirects === false ? [] : ["--location"]),
  ];
  return parts.join(" \\\n  ");
}
