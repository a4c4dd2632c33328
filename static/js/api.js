// Calls the REST API with the session and its CSRF token.
import { readJson, writeJson } from "./json.js";
import { setServerTime } from "./time.js";

/** An error response of the API; `errors` are `{code, detail, attr}`. */
export class ApiError extends Error {
  constructor(status, errors) {
    super(errors.map((error) => (error.attr ? `${error.attr}: ${error.detail}` : error.detail)).join("\n") || `The server answered ${status}.`);
    this.status = status;
    this.errors = errors;
  }
}

async function errorsOf(response) {
  try {
    return readJson(await response.text()).errors ?? [];
  } catch {
    return [];
  }
}

/** Send `body`, which is text of the content type, and return the answer's JSON; throws ApiError. */
export async function call(method, path, body, contentType, more = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content, ...more };
  if (body !== undefined) headers["Content-Type"] = contentType;
  let response;
  try {
    response = await fetch(path, { method, headers, body, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, [{ code: "offline", detail: "The server cannot be reached.", attr: null }]);
  }
  setServerTime(Date.parse(response.headers.get("Date")));
  if (!response.ok) throw new ApiError(response.status, await errorsOf(response));
  return response.status === 204 ? null : readJson(await response.text());
}

export const get = (path) => call("GET", path);
export const post = (path, data = {}) => call("POST", path, writeJson(data), "application/json");
export const sendYaml = (method, path, text) => call(method, path, text, "application/yaml");
export const put = (path, data) => call("PUT", path, writeJson(data), "application/json");
export const remove = (path) => call("DELETE", path);
export const API = "/api/v1";
