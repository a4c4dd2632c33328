// Calls the REST API with the session and its CSRF token.

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
    return (await response.json()).errors ?? [];
  } catch {
    return [];
  }
}

async function call(method, path, body, contentType) {
  const headers = { Accept: "application/json", "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content };
  if (body !== undefined) headers["Content-Type"] = contentType;
  let response;
  try {
    response = await fetch(path, { method, headers, body, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, [{ code: "offline", detail: "The server cannot be reached.", attr: null }]);
  }
  if (!response.ok) throw new ApiError(response.status, await errorsOf(response));
  return response.status === 204 ? null : response.json();
}

export const get = (path) => call("GET", path);
export const post = (path, data = {}) => call("POST", path, JSON.stringify(data), "application/json");
export const sendYaml = (method, path, text) => call(method, path, text, "application/yaml");
export const put = (path, data) => call("PUT", path, JSON.stringify(data), "application/json");
export const remove = (path) => call("DELETE", path);
export const API = "/api/v1";
